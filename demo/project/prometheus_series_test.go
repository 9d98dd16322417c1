package project

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/demo/company"
)

func TestSeriesAreThoseOfTheSeed(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	read := func(seed uint64) (names []string, values []float64) {
		c, err := company.New(company.Plan{Seed: seed, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for s := range Series(c) {
			labels, err := yaml.Marshal(s.Labels)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, s.Name+" "+string(labels))
			for _, at := range []time.Duration{0, time.Minute, 30 * time.Hour, 40 * 24 * time.Hour} {
				v, _ := s.At(now.Add(-at))
				values = append(values, v)
			}
		}
		return names, values
	}
	names, values := read(5)
	again, same := read(5)
	if !slices.Equal(names, again) || !reflect.DeepEqual(values, same) {
		t.Error("one seed gives two sets of series")
	}
	if other, _ := read(6); slices.Equal(names, other) {
		t.Error("two seeds give one set of series")
	}
	if most := 56 * len(simulated(t, 5).Services); len(names) > most {
		t.Errorf("%d series, want at most %d", len(names), most)
	}
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			t.Errorf("twice: %s", n)
		}
		seen[n] = true
	}
	one, two := rules(t, 5, now), rules(t, 5, now)
	if !bytes.Equal(one, two) || bytes.Equal(one, rules(t, 6, now)) {
		t.Error("the rules are not those of the seed")
	}
}

func rules(t *testing.T, seed uint64, now time.Time) []byte {
	t.Helper()
	c, err := company.New(company.Plan{Seed: seed, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	text, err := Rules(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTheIteratorCanBeLeft is for whoever wants a few series.
func TestTheIteratorCanBeLeft(t *testing.T) {
	n := 0
	for range Series(simulated(t, 1)) {
		if n++; n == 10 {
			break
		}
	}
	if n != 10 {
		t.Errorf("%d series", n)
	}
}
