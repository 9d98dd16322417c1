package review

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/report"
)

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func count(holds bool) int {
	if holds {
		return 1
	}
	return 0
}

func orText(text, otherwise string) string { return cmp.Or(text, otherwise) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// filter are the elements that a function selects, never nil.
func filter[T any](list []T, selected func(*T) bool) []T {
	out := []T{}
	for i := range list {
		if selected(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

// first are at most n elements.
func first[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// dayText is a date for people, in UTC.
func dayText(t time.Time) string { return t.UTC().Format("2 January 2006") }

// minuteText is a moment for people.
func minuteText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// dateText is a date in a table.
func dateText(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(dateLayout)
}

// none stands in tables for what is not there, and notKnown for what is not known.
const (
	none     = "–"
	notKnown = "not known"
)

// names lists the first names.
func names(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(list[:most], ", "), thousands(len(list)-most))
}

func thousands(n int) string {
	text, _, _ := strings.Cut(report.Plural(n, "x"), " ")
	return text
}

// agree chooses the form of a verb.
func agree(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// durationText is a span with the precision people think in.
func durationText(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	minutes := int(math.Round(d.Minutes()))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(math.Round(d.Seconds())))
	case minutes < 120:
		return fmt.Sprintf("%d min", minutes)
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// valueText is a value with its unit; not known for null.
func valueText(v *float64, unit string) string {
	switch {
	case v == nil:
		return notKnown
	case unit == unitRatio:
		return report.RoundedPercent(*v)
	case unit == unitSeconds:
		return durationText(*v)
	}
	return thousands(int(math.Round(*v)))
}

// intervalText is the interval of a value; empty if there is none.
func intervalText(lower, upper *float64, unit string) string {
	switch {
	case lower == nil && upper == nil:
		return ""
	case upper == nil:
		return "95 % interval from " + valueText(lower, unit) + ", upper bound not known"
	case lower == nil:
		return "95 % interval up to " + valueText(upper, unit) + ", lower bound not known"
	}
	return "95 % interval " + valueText(lower, unit) + " to " + valueText(upper, unit)
}
