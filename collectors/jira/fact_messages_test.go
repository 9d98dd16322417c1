package jira_test

import (
	"flag"
	"testing"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/internal/badinput"
)

var update = flag.Bool("update", false, "write the messages of testdata/fact_messages.txt anew")

func TestMessagesAboutBadFacts(t *testing.T) {
	badinput.Run(t, "testdata/fact_messages.txt", *update, func(_ *testing.T, input string) error {
		_, err := jira.ParseFacts("own.yaml", []byte(input))
		return err
	})
}
