package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evidence"
)

// TestEveryFactIsSeenAndIsAbsent: the company shows each fact that the checks in
// force read in both ways. Some service has it, and of some it is known that it
// has not, or unknown whether.
func TestEveryFactIsSeenAndIsAbsent(t *testing.T) {
	d := collected(t, options{seed: 1, services: company.DefaultServices, listen: "127.0.0.1:0"}, time.Now)
	found := d.collector.Snapshot()
	facts := found.Framework.Facts()
	var read []int
	for _, c := range found.Framework.Checks {
		if !c.EnforceFrom.IsZero() {
			continue // It is new, and the company does not show it yet.
		}
		for _, i := range c.Facts {
			if !slices.Contains(read, i) && evidence.Pack(facts.At(i).Name) != "attest" {
				read = append(read, i)
			}
		}
	}
	if len(read) == 0 {
		t.Fatal("the framework reads no facts")
	}
	slices.Sort(read)
	for _, i := range read {
		definition := facts.At(i)
		seen, absent := 0, 0
		reasons := map[string]int{}
		for _, s := range found.Services {
			o := s.Evidence.At(i)
			switch why := o.Why(found.At); {
			case why == evidence.MissingNoReference:
				// No source observes the fact for this service.
			case why != "":
				absent++
				reasons[string(why)]++
			case absence(definition, definition.Read(o.Value, found.At), o.Detail):
				absent++
				reasons["it is "+o.Value.String()]++
			default:
				seen++
			}
		}
		if seen == 0 || absent == 0 {
			t.Errorf(
				"%s is seen of %d services and absent of %d %v: want both (absent: %s)", definition.Name, seen, absent, reasons,
				definition.Absent,
			)
		}
	}
}

// absence reports whether a value is what the fact's definition says of nothing
// found: false, 0, never, or what a witness stands for.
func absence(d evidence.Definition, v evidence.Value, detail string) bool {
	if strings.HasPrefix(detail, "no series") {
		return true
	}
	switch {
	case d.Kind == evidence.KindBool:
		return !v.Truth()
	case strings.HasPrefix(d.Absent, "1 "):
		return v.Number() == 1
	}
	return v.Number() == 0 || v.String() == "never"
}
