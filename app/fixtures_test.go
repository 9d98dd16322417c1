package app

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// TestTheFixturesOfTheDefault: each check has a case of every status that it can have, and
// all are as they want.
func TestTheFixturesOfTheDefault(t *testing.T) {
	w := newFactSheet(t).config
	if err := w.Document.LintFixtures(); err != nil {
		t.Error(err)
	}
	trials, err := TryFixtures(w.Document, w.Framework)
	if err != nil {
		t.Fatal(err)
	}
	for i := range trials {
		if c := &trials[i]; !c.OK() {
			t.Errorf("%s: check %s: %s: want %s %s, got %s %s, %v", c.Place, c.Check, c.Case, c.Want, c.By, c.Got, c.GotBy, c.Err)
		}
	}
	if len(trials) < 5*len(w.Framework.Checks) {
		t.Errorf("%d fixtures of %d checks", len(trials), len(w.Framework.Checks))
	}
}

// TestAMutatedThresholdFailsAFixture: each threshold of the default has cases on both sides, so
// close that the least change of it is noticed.
func TestAMutatedThresholdFailsAFixture(t *testing.T) {
	w := newFactSheet(t).config
	fixtures, err := w.Document.Fixtures(w.Framework)
	if err != nil {
		t.Fatal(err)
	}
	thresholds := w.Document.Thresholds()
	if len(thresholds) < 40 {
		t.Fatalf("%d checks with thresholds", len(thresholds))
	}
	of := map[string][]framework.Fixture{}
	for _, f := range fixtures {
		of[f.Check] = append(of[f.Check], f)
	}
	// One threshold of each check is changed at a time, so that few frameworks are compiled.
	for round := 0; ; round++ {
		changed := map[string]string{}
		for check, values := range thresholds {
			if names := slices.Sorted(maps.Keys(values)); round < len(names) {
				changed[check] = names[round]
			}
		}
		if len(changed) == 0 {
			break
		}
		for _, direction := range []float64{-1, 1} {
			mutated := mutate(t, w.Facts, thresholds, changed, direction)
			for check, name := range changed {
				trials := scoring.Try(mutated, of[check])
				if !slices.ContainsFunc(trials, func(c scoring.Trial) bool { return !c.OK() }) {
					t.Errorf("%s: no fixture fails when %s %s changes by %g of its last digit", check, name,
						thresholds[check][name], direction)
				}
			}
		}
	}
}

// mutate compiles the default with the named thresholds changed a little: by one where they
// are whole, else by one in the last digit, at least the second.
func mutate(
	t *testing.T, facts *evidence.Facts, thresholds map[string]map[string]string, changed map[string]string,
	direction float64,
) *framework.Framework {
	t.Helper()
	var b strings.Builder
	b.WriteString("extends: default\nname: mutated\nversion: 1.0.0\nchecks:\n")
	for _, check := range slices.Sorted(maps.Keys(changed)) {
		name := changed[check]
		text := thresholds[check][name]
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		_, fraction, double := strings.Cut(text, ".")
		step, places := 1.0, 0
		if double {
			if places = max(len(fraction), 2); value < 2 {
				step = math.Pow(10, -float64(places))
			}
		}
		change := name + ": " + strconv.FormatFloat(value+direction*step, 'f', places, 64)
		if name != "value" {
			change = "values: {" + change + "}"
		}
		b.WriteString("  " + check + ": {" + change + "}\n")
	}
	files, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	document, err := framework.Parse(append(files, framework.File{Name: "mutated.yaml", Data: []byte(b.String())}))
	if err != nil {
		t.Fatal(err)
	}
	f, err := framework.Compile(document, facts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
