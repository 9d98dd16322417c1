package prometheus

import (
	"testing"

	"github.com/prodready/collector/internal/badinput"
)

func TestMessagesAboutBadFacts(t *testing.T) {
	badinput.Run(t, "testdata/messages.txt", *update, func(_ *testing.T, input string) error {
		_, err := Load(nil, []File{{Name: "f.yaml", Data: []byte(input)}})
		return err
	})
}
