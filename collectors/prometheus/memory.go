package prometheus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
)

// A server that was set up yesterday has no restarts in seven days either.
// Whether its data reaches back over a window is asked of the one series that
// every scraping server has: was anything up when the window began?

// reachLabel carries the window in the answer.
const reachLabel = "readiness_window"

// reach is how far back the server's data goes.
type reach struct {
	// covered are the windows the data reaches back over.
	covered map[time.Duration]bool
	// known is false when the server could not be asked.
	known bool
	// up is whether the server scrapes anything.
	up bool
}

func (r reach) covers(window time.Duration) bool { return window == 0 || r.covered[window] }

// needsReach reports whether a fact is known only where the data reaches back
// over its queries. Of what the store remembers the last occurrence, the query
// asks over a short time again and again.
func (f *fact) needsReach() bool {
	return f.reach > 0 && (f.Remember == evidence.RememberNothing || f.Remember == evidence.RememberMean)
}

// windows are the spans that the facts look back over.
func windows(facts []fact) []time.Duration {
	var list []time.Duration
	for _, f := range facts {
		if f.needsReach() && !slices.Contains(list, f.reach) {
			list = append(list, f.reach)
		}
	}
	slices.Sort(list)
	return list
}

// reachQuery asks for all windows in one query. A beginning counts when
// anything was up within the hour after it: a restart is no lack of memory.
func reachQuery(windows []time.Duration) string {
	terms := []string{fmt.Sprintf(`label_replace(group(up), %q, "0s", "", "")`, reachLabel)}
	for _, w := range windows {
		span := min(time.Hour, w/2).Round(time.Second)
		terms = append(terms, fmt.Sprintf(`label_replace(group(present_over_time(up[%s] offset %s)), %q, %q, "", "")`,
			model.Duration(span), model.Duration((w-span).Round(time.Second)), reachLabel, model.Duration(w)))
	}
	return strings.Join(terms, " or ")
}

// reachQuery is the question this server is asked, which is without windows
// where its memory is configured.
func (s *Source) reachQuery() string {
	if s.memory > 0 {
		return reachQuery(nil)
	}
	return reachQuery(windows(s.facts))
}

// reached finds out how far back the server's data goes. It is asked first,
// also when no fact looks back: a server that cannot answer this query need not
// be asked the others.
func (r *round) reached(ctx context.Context) error {
	list := windows(r.facts)
	r.reach = reach{covered: map[time.Duration]bool{}, known: true}
	for _, w := range list {
		r.reach.covered[w] = r.memory >= w
	}
	if r.memory > 0 {
		list = nil
	}
	vector, _, err := r.api.query(ctx, r.reachQuery(), r.now)
	if err != nil {
		r.reach.known = r.memory > 0
		return named(err, "how far back the data goes")
	}
	seen := map[string]bool{}
	for _, sample := range vector {
		seen[string(sample.Metric[reachLabel])] = true
	}
	r.reach.up = seen["0s"]
	for _, w := range list {
		r.reach.covered[w] = seen[model.Duration(w).String()]
	}
	if len(list) > 0 && len(seen) == 0 {
		r.noting["memory"] = "it has no series up, so how far its data goes back cannot be seen: facts over a window stay unknown unless the memory is configured"
	}
	return nil
}
