package snapshot_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// A check that only pins have is measurable as the pin says whose framework shows it: not as
// one does that has ended.
func TestIsMeasurableOfACheckOfPins(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	facts, err := evidence.NewFacts([]evidence.Definition{{Name: "x.one", Kind: evidence.KindBool, Help: "One."}})
	if err != nil {
		t.Fatal(err)
	}
	of := func(hash string, ids ...string) *framework.Framework {
		t.Helper()
		text := "{apiVersion: readiness/v1, kind: Framework, name: f, version: 1.0.0, modules: [{id: m, name: M, checks: ["
		for _, id := range ids {
			text += "{id: " + id + ", title: T, level: 1, proofs: [{by: machine, pass: x.one}]},"
		}
		document, err := framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(text + "]}]}")}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := framework.Compile(document, facts)
		if err != nil {
			t.Fatal(err)
		}
		f.Hash = hash
		return f
	}
	old := of("b", "m.one", "m.old")
	s := &snapshot.Snapshot{
		At: now, Framework: of("a", "m.one"), NotMeasurable: map[string]bool{"m.one": true},
		Pins: []scoring.Pin{
			{Framework: old, Until: now.AddDate(0, 1, 0)},
			{Framework: of("c", "m.one", "m.old"), NotMeasurable: map[string]bool{"m.old": true}, Until: now},
		},
	}
	if one, _, _ := s.Check("m.one"); s.IsMeasurable(one) {
		t.Error("m.one is not measurable by the framework of the snapshot")
	}
	if check, f, err := s.Check("m.old"); err != nil || f != old || !s.IsMeasurable(check) {
		t.Errorf("m.old is not that of the pin in force: %v", err)
	}
}
