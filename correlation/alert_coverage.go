package correlation

import (
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// covered is the share of a window in which every watcher of a service watched
// for its alerts, of replicas any, and whether what is missing is little enough for counts.
func (m *alertMeasure) covered(service string, w Window) (share float64, known bool) {
	whole := evidence.Span{From: m.now.Add(-time.Duration(w)), Until: m.now}
	spans := []evidence.Span{whole}
	watched := map[string][]evidence.Span{}
	for _, source := range m.Watchers[service] {
		sight := m.Sights[source]
		own := watched[m.watcher(source)]
		if since, looked := sight.Services[service]; looked {
			own = append(own, common(sight.Spans, []evidence.Span{{From: since, Until: m.now}})...)
		}
		watched[m.watcher(source)] = own
	}
	for _, own := range watched {
		if len(own) == 0 {
			return 0, false
		}
		spans = common(spans, joined(own))
	}
	var seen time.Duration
	for _, s := range spans {
		seen += s.Duration()
	}
	return float64(seen) / float64(whole.Duration()), whole.Duration()-seen <= m.options.UnwatchedAtMost
}

// common is the time that two lists of spans, each by start and without
// overlaps, have in common.
func common(a, b []evidence.Span) []evidence.Span {
	var both []evidence.Span
	for len(a) > 0 && len(b) > 0 {
		s := evidence.Span{From: later(a[0].From, b[0].From), Until: earlier(a[0].Until, b[0].Until)}
		if s.Until.After(s.From) {
			both = append(both, s)
		}
		if a[0].Until.Before(b[0].Until) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// contains reports whether one of the spans holds all of the time between two
// moments.
func contains(spans []evidence.Span, from, until time.Time) bool {
	return slices.ContainsFunc(spans, func(s evidence.Span) bool { return !s.From.After(from) && !s.Until.Before(until) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
