package prometheus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// A server that was set up yesterday has no restarts in seven days either.
// Whether its data goes back over a window is read from the series up, which every
// scraping server has: it must have one at the beginning of the window.

// windowLabel has the window in the answer.
const windowLabel = "readiness_window"

// dataSpan is how far back the server's data goes.
type dataSpan struct {
	// covered are the windows that the data goes back over.
	covered map[time.Duration]bool
	// known is false when the server could not be asked.
	known bool
	// up is whether the server scrapes anything.
	up bool
}

func (s dataSpan) covers(window time.Duration) bool { return window == 0 || s.covered[window] }

// needsMemory reports whether a fact is known only where the data goes back over
// its queries. Facts of which the store remembers the last occurrence ask over a
// short time again and again, and do not need it.
func (f *fact) needsMemory() bool {
	return f.lookBack > 0 && (f.Remember == evidence.RememberNothing || f.Remember == evidence.RememberMean)
}

// windows are the spans that the facts look back over.
func windows(facts []fact) []time.Duration {
	var list []time.Duration
	for _, f := range facts {
		if f.needsMemory() {
			list = append(list, f.lookBack)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// dataQuery asks for all windows in one query. A beginning counts when anything
// was up within the hour after it, so that a restart does not matter.
func dataQuery(windows []time.Duration) string {
	terms := []string{fmt.Sprintf(`label_replace(group(up), %q, "0s", "", "")`, windowLabel)}
	for _, w := range windows {
		span := min(time.Hour, w/2).Round(time.Second)
		terms = append(terms, fmt.Sprintf(
			`label_replace(group(present_over_time(up[%s] offset %s)), %q, %q, "", "")`,
			model.Duration(span), model.Duration((w-span).Round(time.Second)), windowLabel, model.Duration(w)))
	}
	return strings.Join(terms, " or ")
}

// askedWindows are the windows that the server is asked about: none where its
// memory is configured.
func (s *Source) askedWindows() []time.Duration {
	if s.memory > 0 {
		return nil
	}
	return windows(s.facts)
}

// measureData finds out how far back the server's data goes. It is asked first,
// also when no fact looks back: a server that cannot answer this query need not
// be asked the others.
func (r *round) measureData(ctx context.Context) error {
	r.data = dataSpan{covered: map[time.Duration]bool{}, known: true}
	for _, w := range windows(r.facts) {
		r.data.covered[w] = r.memory >= w
	}
	asked := r.askedWindows()
	vector, _, err := r.api.query(ctx, dataQuery(asked), r.now)
	if err != nil {
		r.data.known = r.memory > 0
		return collectors.About(err, "how far back the data goes")
	}
	seen := map[string]bool{}
	for _, sample := range vector {
		seen[string(sample.Metric[windowLabel])] = true
	}
	r.data.up = seen["0s"]
	for _, w := range asked {
		r.data.covered[w] = seen[model.Duration(w).String()]
	}
	if len(asked) > 0 && len(seen) == 0 {
		r.notice("memory", "it has no series up, so that it is unknown how far its data goes back: facts over a window "+
			"stay unknown unless the memory is configured")
	}
	return nil
}
