package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unique"
)

// IntegrationKey is the key of an integration of PagerDuty. Whoever has it can page
// people, so that it prints, logs and encodes as its last characters. Two keys are
// equal if their texts are; it may be the key of a map.
type IntegrationKey struct {
	// A handle, because fmt prints unexported fields of unexported fields without
	// asking their methods, and of a handle it prints an address.
	text unique.Handle[string]
}

// NewIntegrationKey makes a key of its text, without the white space around it.
func NewIntegrationKey(text string) IntegrationKey {
	if text = strings.TrimSpace(text); text == "" {
		return IntegrationKey{}
	}
	return IntegrationKey{unique.Make(text)}
}

// IsZero reports whether there is no key.
func (k IntegrationKey) IsZero() bool { return k == IntegrationKey{} }

const (
	// shownOfKey is how many characters of a key are shown at most.
	shownOfKey = 4
	// shortKey is the length below which none is shown.
	shortKey = 16
)

// String is the end of the key, enough to recognise it and too little to use it.
func (k IntegrationKey) String() string {
	if k.IsZero() {
		return ""
	}
	text := k.text.Value()
	if len(text) < shortKey {
		return "…"
	}
	return "…" + strings.ToValidUTF8(text[len(text)-shownOfKey:], "")
}

// Digest finds a key again in what is stored, and does not give it: keys are 32 random
// characters. It is empty for none.
func (k IntegrationKey) Digest() string {
	if k.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(k.text.Value()))
	return hex.EncodeToString(sum[:16])
}

// Format shows the end of the key with every verb.
func (k IntegrationKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue shows the end of the key to slog.
func (k IntegrationKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText shows the end of the key, also to JSON and YAML.
func (k IntegrationKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a key.
func (k *IntegrationKey) UnmarshalText(text []byte) error {
	*k = NewIntegrationKey(string(text))
	return nil
}

// fault says what is wrong with the key, without showing it; empty when nothing is.
func (k IntegrationKey) fault() string {
	if k.IsZero() {
		return ""
	}
	for _, c := range k.text.Value() {
		if c <= ' ' || c > '~' {
			return "this is not an integration key; copy it from the integrations of the PagerDuty service"
		}
	}
	if len(k.text.Value()) > maxText {
		return "the integration key is too long; copy it from the integrations of the PagerDuty service"
	}
	return ""
}
