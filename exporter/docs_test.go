package exporter

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const reference = "../docs/metrics.md"

// TestReference: docs/metrics.md is made from the declarations, so that it is
// never behind them.
func TestReference(t *testing.T) {
	golden(t, reference, []byte(referenceText()))
}

// TestReferenceNamesAllAndNoOther reads the page as a person does: a row for
// each family, and none for what does not exist.
func TestReferenceNamesAllAndNoOther(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(readiness_[a-z0-9_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		if rows[m[1]] {
			t.Errorf("%s has two rows", m[1])
		}
		rows[m[1]] = true
	}
	for _, f := range allFamilies() {
		if !rows[f.FullName()] {
			t.Errorf("%s has no row in docs/metrics.md", f.FullName())
		}
		delete(rows, f.FullName())
	}
	for name := range rows {
		t.Errorf("docs/metrics.md names %s, which does not exist", name)
	}
}

// TestDeclarations holds every declaration to what readers and both formats
// ask of it.
func TestDeclarations(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	for _, f := range allFamilies() {
		if !name.MatchString(f.Name) || strings.HasPrefix(f.Name, Prefix) {
			t.Errorf("%q: want lower case words joined by _, without the prefix", f.Name)
		}
		if (f.Kind == Counter) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s: counters end in _total, and only they", f.Name)
		}
		if (f.Kind == Info) != strings.HasSuffix(f.Name, "_info") {
			t.Errorf("%s: infos end in _info, and only they", f.Name)
		}
		if f.Unit != "" && !strings.HasSuffix(f.Name, "_"+f.Unit) {
			t.Errorf("%s: the name ends in the unit %s", f.Name, f.Unit)
		}
		for _, unit := range []string{"seconds", "ratio"} {
			if strings.HasSuffix(f.Name, "_"+unit) && f.Unit != unit {
				t.Errorf("%s: the unit %s is not declared", f.Name, unit)
			}
		}
		if !strings.HasSuffix(f.Help, ".") || strings.Contains(f.Help, "|") {
			t.Errorf("%s: help is a sentence: %q", f.Name, f.Help)
		}
		if f.Stability != Stable && f.Stability != Experimental {
			t.Errorf("%s: stability is missing", f.Name)
		}
		for _, label := range f.Labels {
			if !name.MatchString(label) || slices.Contains([]string{"service", "job", "instance", "le", "quantile"}, label) {
				t.Errorf("%s: label %q is not ours to use", f.Name, label)
			}
		}
	}
}

func allFamilies() []Family { return append(Families(), ProcessGroup().Families...) }

func referenceText() string {
	var b strings.Builder
	b.WriteString(`# Metrics

This page is made from the declarations in the package exporter by
` + "`go test ./exporter -update`" + `; a test fails when it is behind them.

Times are Unix times in seconds, ratios are from 0 to 1 but for those that compare two
things as a multiple. A family without data
is absent and not zero. Titles, URLs, people and times are never labels. The
label of a service is ` + "`service_name`" + `, because a ServiceMonitor adds a target
label ` + "`service`" + ` that would rename ours. A ` + "`stable`" + ` family changes its name,
labels or meaning only with a major version. An info is a gauge that is always
1. With several replicas, read the recording rules instead, which count each
service once.

` + "`exposition.detail`" + ` is compact unless it is set to full, and compact has half of the series.
Of each service it leaves out the status of checks that neither fail nor are unknown,
what can be counted from the others, zeros and marks that the recording rules add, and
the estimates of its incidents that say least about a few incidents; groups of services
have these. For 10,000 services
with 60 checks, of which 17 fail or are unknown, and 100,000 incidents a year, compact
is about 560,000 series and full 1,080,000; ` + "`exposition.check_status_pass`" + `
adds a series for each check that passes. In the company of the demo, where nearly every
service has incidents and alerts, compact is 68 series a service, 70 if it is small, and
full about 130: 20 checks that fail or are unknown, 22 of the six modules (score, level,
passing checks, and missing ones), 8 of incidents, 6 of alerts, 12 of all else. The
recording rules and the dashboards work with both.
`)
	for _, g := range append(Groups(), ProcessGroup()) {
		fmt.Fprintf(&b, "\n## %s\n", g.Title)
		if g.Intro != "" {
			fmt.Fprintf(&b, "\n%s\n", g.Intro)
		}
		b.WriteString("\n| family | kind | labels | meaning | there when | stability |\n|---|---|---|---|---|---|\n")
		for _, f := range g.Families {
			labels := "none"
			if len(f.Labels) > 0 {
				labels = "`" + strings.Join(f.Labels, "`, `") + "`"
			}
			presence := f.Presence
			if presence == "" {
				presence = "always"
			}
			if f.Detail == Full {
				presence = "`exposition.detail: full`, and " + presence
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", f.FullName(), f.Kind, labels, f.Help, presence, f.Stability)
		}
	}
	return b.String()
}
