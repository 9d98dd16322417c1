package config_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/internal/badinput"
)

// The first lines of an input that begin with $ are variables and flags; the
// rest is the file.
func TestMessagesAboutLayers(t *testing.T) {
	badinput.Run(t, "testdata/layer_messages.txt", *update, func(t *testing.T, input string) error {
		environ, args := []string{"TOKEN=abc"}, []string{}
		for strings.HasPrefix(input, "$ ") {
			line, rest, _ := strings.Cut(strings.TrimPrefix(input, "$ "), "\n")
			if strings.HasPrefix(line, "--") {
				args = append(args, line)
			} else {
				environ = append(environ, line)
			}
			input = rest
		}
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		config.AddFlags(flags)
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		disk := files{"config.yaml": input}
		_, err := config.Load(config.Options{Path: "config.yaml", Environ: environ, Flags: flags, ReadFile: disk.read})
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Error("the message shows a secret")
		}
		return err
	})
}
