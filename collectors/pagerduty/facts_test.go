package pagerduty

import (
	"math"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

func TestFactsAndGroupsAreWhole(t *testing.T) {
	for _, f := range facts() {
		if (f.part == nil) == (f.whole == nil) {
			t.Errorf("fact %s needs one function", f.Name)
		}
	}
	groups := map[string]bool{}
	for _, l := range listings() {
		for _, g := range l.groups {
			if g.name == "" || groups[g.name] || len(g.facts) == 0 {
				t.Errorf("GET /%s: group %q needs a name of its own and facts", l.path, g.name)
			}
			groups[g.name] = true
		}
	}
}

func TestMerge(t *testing.T) {
	number := func(kind evidence.Kind, v float64) answer {
		value, err := evidence.Stored(kind, false, v)
		if err != nil {
			t.Fatal(err)
		}
		return answer{value: value, detail: "d"}
	}
	yes, no, none := number(evidence.KindBool, 1), number(evidence.KindBool, 0), answer{missing: evidence.MissingNoData}
	for name, tc := range map[string]struct {
		kind  evidence.Kind
		rule  evidence.Merge
		parts []answer
		want  string
	}{
		"any":          {evidence.KindBool, evidence.MergeDefault, []answer{no, yes}, "true"},
		"any decides":  {evidence.KindBool, evidence.MergeAny, []answer{none, yes}, "true"},
		"any does not": {evidence.KindBool, evidence.MergeAny, []answer{none, no}, "partial"},
		"all":          {evidence.KindBool, evidence.MergeAll, []answer{yes, no}, "false"},
		"all decides":  {evidence.KindBool, evidence.MergeAll, []answer{no, none}, "false"},
		"all does not": {evidence.KindBool, evidence.MergeAll, []answer{yes, none}, "partial"},
		"sum": {
			evidence.KindInt, evidence.MergeDefault, []answer{number(evidence.KindInt, 2), number(evidence.KindInt, 3)}, "5",
		},
		"sum is partial": {evidence.KindInt, evidence.MergeSum, []answer{number(evidence.KindInt, 2), none}, "partial"},
		"least": {
			evidence.KindDouble, evidence.MergeDefault,
			[]answer{number(evidence.KindDouble, 0.5), number(evidence.KindDouble, 0.25)}, "0.25",
		},
		"most": {
			evidence.KindDouble, evidence.MergeMax,
			[]answer{number(evidence.KindDouble, 0.5), number(evidence.KindDouble, 0.25)}, "0.5",
		},
		"never decides": {
			evidence.KindDouble, evidence.MergeMax, []answer{number(evidence.KindDouble, math.Inf(1)), none}, "never",
		},
		"nothing is said": {evidence.KindDouble, evidence.MergeMax, []answer{none, none}, "no_data"},
	} {
		a := merge(evidence.Definition{Kind: tc.kind, Merge: tc.rule}, tc.parts, time.Time{})
		got := string(a.missing)
		if got == "" {
			got = a.value.String()
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
