package framework

import (
	"flag"
	"testing"

	"github.com/prodready/collector/internal/badinput"
)

var update = flag.Bool("update", false, "write the messages of testdata/messages.txt anew")

func TestMessagesAboutBadFrameworks(t *testing.T) {
	badinput.Run(t, "testdata/messages.txt", *update, func(t *testing.T, input string) error {
		doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(input)}})
		if err == nil {
			_, err = Compile(doc, testFacts(t))
		}
		return err
	})
}

func TestMessagesAboutBadModules(t *testing.T) {
	const header = "apiVersion: readiness/v1\nkind: Framework\nname: test\nversion: 0.1.0\n"
	badinput.Run(t, "testdata/module_messages.txt", *update, func(t *testing.T, input string) error {
		broken := File{Name: "broken.yaml", Data: []byte("id: broken\nchecks: [{id: b.c, levle: 1}]\n")}
		doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(header)}, {Name: "m.yaml", Data: []byte(input)}, broken})
		if err == nil {
			_, err = Compile(doc, testFacts(t))
		}
		return err
	})
}
