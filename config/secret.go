package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/textfile"
)

// redacted is printed in place of a secret.
const redacted = "<secret>"

// Secret is text that must not be seen. It prints, logs and encodes as
// <secret>; only Reveal returns the text.
type Secret struct {
	// A pointer, because fmt prints unexported fields of unexported fields
	// without asking their methods, and of a pointer it prints the address.
	text *string
}

// NewSecret makes a secret of text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String hides the secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format hides the secret from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalYAML hides the secret.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalText hides the secret, also from JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalYAML reads the secret from a scalar.
func (s *Secret) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return errors.New("want text")
	}
	*s = NewSecret(node.Value)
	return nil
}

// maxSecretFile bounds secret files; a larger one is not a secret.
const maxSecretFile = 64 << 10

// Credential is a secret that is kept elsewhere: in a file, or in an
// environment variable.
type Credential struct {
	file, variable string
	// key is the key of the configuration that names it.
	key   string
	value Secret
	// readFile reads the file; nil reads a regular file of at most maxSecretFile bytes,
	// so that equal credentials are equal for reflect.DeepEqual.
	readFile func(string) ([]byte, error)
	// unshown is set when the name of the file may be the secret itself.
	unshown bool
}

// looksLikeFile reports whether a name is that of a file, so that it may be
// shown. Otherwise it may be a token in the wrong place.
func looksLikeFile(name string) bool {
	return strings.HasPrefix(name, "/") || strings.HasPrefix(name, ".") ||
		(strings.Contains(name, "/") && strings.ToLower(name) == name)
}

// IsZero reports whether there is no credential.
func (c Credential) IsZero() bool { return c.file == "" && c.variable == "" }

// String says where the credential is kept, never what it is.
func (c Credential) String() string {
	switch {
	case c.unshown:
		return "the secret file"
	case c.file != "":
		return fmt.Sprintf("the secret file %q", c.file)
	case c.variable != "":
		return "the environment variable " + c.variable
	}
	return "no credential"
}

// Format prints String with every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue logs String.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Read returns the credential. A file is read each time, so that it can be
// rotated; white space around its content is dropped. The error names the
// place, never the content.
func (c Credential) Read() (Secret, error) {
	text := c.value.Reveal()
	if c.file != "" {
		read := c.readFile
		if read == nil {
			read = func(name string) ([]byte, error) { return textfile.Read(name, maxSecretFile) }
		}
		content, err := read(c.file)
		if err != nil {
			return Secret{}, fmt.Errorf("%s cannot be read: %w", c, bare(err))
		}
		if len(content) > maxSecretFile {
			return Secret{}, fmt.Errorf("%s is larger than %d bytes", c, maxSecretFile)
		}
		text = string(content)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Secret{}, fmt.Errorf("%s is empty", c)
	case strings.ContainsAny(text, "\r\n\x00"):
		return Secret{}, fmt.Errorf("%s holds more than one line", c)
	}
	return NewSecret(text), nil
}
