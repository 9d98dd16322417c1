package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheExampleOfIncidents runs the commands of docs/incidents.md on the incidents that it
// is about. Times of day are those of the test, and so is which hours they are.
func TestTheExampleOfIncidents(t *testing.T) {
	text, err := os.ReadFile("../../docs/incidents.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.withEveryKind()
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	at := regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`)
	hours := regexp.MustCompile(`(?s)People were interrupted.*?sleep\.`)
	same := func(text string) string {
		text = hours.ReplaceAllString(at.ReplaceAllString(text, "0000-00-00 00:00"), "Interrupted.")
		return strings.TrimSpace(text)
	}
	blocks := regexp.MustCompile("(?s)```console\n\\$ collector ([^\n]*)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 3 {
		t.Fatalf("%d commands", len(blocks))
	}
	for _, block := range blocks {
		out, errs, code := s.run(strings.Fields(block[1])...)
		if code != exitOK || same(out) != same(block[2]) {
			t.Errorf("collector %s: exit %d, %s\n%s\nthe page has\n%s", block[1], code, errs, out, block[2])
		}
	}
}
