package catalog_test

import (
	"flag"
	"testing"

	"github.com/prodready/collector/internal/badinput"
)

var update = flag.Bool("update", false, "write the messages of testdata/backstage_messages.txt anew")

func TestMessagesAboutBadBackstageFiles(t *testing.T) {
	badinput.Run(t, "testdata/backstage_messages.txt", *update, func(_ *testing.T, input string) error {
		_, _, err := parse("c.yaml", input)
		return err
	})
}
