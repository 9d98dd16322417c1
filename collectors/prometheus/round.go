package prometheus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// round is what one Collect has learned so far.
type round struct {
	*Source
	now   time.Time
	emit  func(collectors.Batch) error
	scope *scope
	reach reach
	// results are the answers by query.
	results map[string]*result
	// noting are remarks of the server by subject, strangers how many series
	// have a key that no service has.
	noting    map[string]string
	strangers map[string]int
}

// result is one answered query, joined to the catalog.
type result struct {
	question
	err     error
	notices []string
	// hits are by join.
	hits map[string]hits
}

// hits are the samples that belong to a service, by part.
type hits struct {
	byPart    map[int][]sample
	strangers map[string]int
}

// sample is one number about one part of a service. id tells samples of one
// round apart, so that a series that speaks for two parts is counted once.
type sample struct {
	id     string
	value  float64
	labels string
}

func (r *round) collect(ctx context.Context) error {
	var errs []error
	if len(r.facts) > 0 {
		if err := r.reached(ctx); err != nil {
			if deaf(ctx, err) {
				return err
			}
			errs = append(errs, err)
		}
		r.ask(ctx)
		errs = append(errs, r.failures()...)
		for i := range r.facts {
			if !r.answered(&r.facts[i]) {
				continue
			}
			if err := r.send(r.observe(&r.facts[i])); err != nil {
				return errors.Join(append(errs, err)...)
			}
		}
	}
	if r.rules && !hopeless(ctx, errors.Join(errs...)) {
		if err := r.observeRules(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// send emits a batch.
func (r *round) send(b collectors.Batch) error {
	if err := r.emit(b); err != nil {
		return &collectors.CallError{Reason: collectors.ReasonStore, Call: "store batch of " + r.id, Err: err}
	}
	return nil
}

// ask sends every distinct query once.
func (r *round) ask(ctx context.Context) {
	order := questions(r.facts)
	for _, q := range order {
		r.results[q.query] = &result{question: q, hits: map[string]hits{}}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	next := make(chan *result)
	for range min(r.concurrency, len(order)) {
		wg.Go(func() {
			for res := range next {
				if ctx.Err() != nil {
					res.err = &collectors.CallError{Reason: collectors.ReasonCanceled, Call: callQuery, Err: context.Cause(ctx)}
					continue
				}
				var vector model.Vector
				vector, res.notices, res.err = r.api.query(ctx, res.query, r.now)
				if res.err == nil {
					r.match(res, vector)
				} else if hopeless(ctx, res.err) {
					stop(errors.New("the server did not answer another query"))
				}
			}
		})
	}
	for _, q := range order {
		next <- r.results[q.query]
	}
	close(next)
	wg.Wait()
	for _, q := range order {
		res := r.results[q.query]
		if len(res.notices) > 0 {
			r.noting[strings.Join(res.facts, ", ")] = evidence.Clean(strings.Join(res.notices, "; "), 500)
		}
		for _, h := range res.hits {
			for key, n := range h.strangers {
				r.strangers[key] += n
			}
		}
	}
}

// match joins the series of an answer to the catalog.
func (r *round) match(res *result, vector model.Vector) {
	debug := r.log.Enabled(context.Background(), slog.LevelDebug)
	for _, j := range res.joins {
		h := hits{byPart: map[int][]sample{}, strangers: map[string]int{}}
		find := r.scope.lookups[j.name]
		for n, s := range vector {
			parts := find.find(s.Metric)
			if len(parts) == 0 {
				if debug { // the names are costly, and many
					h.strangers[j.name+" "+evidence.Clean(stranger(j, s.Metric), 100)]++
				}
				continue
			}
			value := float64(s.Value)
			if s.Histogram != nil {
				value = math.NaN() // a distribution is not a number
			}
			one := sample{id: fmt.Sprintf("%d %s", n, res.query), value: value, labels: evidence.Clean(s.Metric.String(), 300)}
			for _, p := range parts {
				h.byPart[p] = append(h.byPart[p], one)
			}
		}
		// Servers need not answer in the same order twice; the wording of the
		// provenance must not change with it.
		for _, list := range h.byPart {
			slices.SortFunc(list, func(a, b sample) int { return strings.Compare(a.labels, b.labels) })
		}
		res.hits[j.name] = h
	}
}

// stranger names a series in the words of its join.
func stranger(j *join, m model.Metric) string {
	if !j.byMatchers() {
		if keys := j.candidates(m); len(keys) > 0 {
			return keys[0]
		}
	}
	return m.String()
}

// failures lists the failed queries in the order of the facts. Those that were
// not sent because of another's failure are left out; of those that the end of
// the round cut off, one speaks for all.
func (r *round) failures() []error {
	var failed, unsent []error
	seen := map[*result]bool{}
	for _, f := range r.facts {
		for _, res := range r.needed(&f) {
			if res.err == nil || seen[res] {
				continue
			}
			seen[res] = true
			err := named(res.err, strings.Join(res.facts, ", "))
			if collectors.ReasonOf(context.Background(), res.err) == collectors.ReasonCanceled {
				unsent = append(unsent, err)
			} else {
				failed = append(failed, err)
			}
		}
	}
	if len(failed) == 0 && len(unsent) > 0 {
		return unsent[:1]
	}
	return failed
}

// named says what a failed query was for.
func named(err error, what string) error {
	var failed *collectors.CallError
	if !errors.As(err, &failed) {
		return err
	}
	named := *failed
	named.Err = fmt.Errorf("%s: %w", evidence.Clean(what, 200), failed.Err)
	return &named
}

// needed are the results that a fact rests on.
func (r *round) needed(f *fact) []*result {
	var list []*result
	for _, p := range f.providers {
		list = append(list, r.results[p.query])
	}
	if f.absent != nil {
		list = append(list, r.results[f.absent.witness.query])
	}
	return list
}

// answered reports whether everything that a fact rests on was answered.
func (r *round) answered(f *fact) bool {
	if f.needsReach() && !r.reach.known {
		return false
	}
	return !slices.ContainsFunc(r.needed(f), func(res *result) bool { return res.err != nil })
}
