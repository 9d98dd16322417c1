package prometheus

import (
	"context"
	"errors"
	"fmt"
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
	request collectors.Request
	now     time.Time
	emit    func(evidence.Batch) error
	scope   *scope
	reach   reach
	// results are the answers by query.
	results map[string]*result
	// noting are remarks of the server by subject.
	noting map[string]string
	// strangers are the series of no service, skipped what was no number.
	strangers strangers
	skipped   map[string]int
}

// result is one answered query, joined to the catalog.
type result struct {
	question
	err     error
	notices []string
	hits    map[reading]hits
	// strangers are the series of no service, skipped the samples of services
	// that are no numbers, by kind.
	strangers strangers
	skipped   map[string]int
}

// hits are the samples that belong to a service, by part.
type hits map[int][]sample

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
		failed := r.failures()
		errs = append(errs, failed...)
		for i := range r.facts {
			if !r.answered(&r.facts[i]) {
				continue
			}
			if err := r.send(r.observe(&r.facts[i])); err != nil {
				return errors.Join(append(errs, err)...)
			}
		}
		if err := r.sendRest(len(failed) == 0); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	if r.rules && !hopeless(ctx, errors.Join(errs...)) {
		if err := r.observeRules(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if r.alertHistory > 0 && !hopeless(ctx, errors.Join(errs...)) {
		if err := r.observeAlerts(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sendRest tells what is of no fact: samples that are no numbers and, when every
// query was answered, the series of no service.
func (r *round) sendRest(whole bool) error {
	rest := evidence.Batch{Skipped: r.skipped}
	if whole {
		rest.Unmatched = r.strangers.unmatched()
		r.noteStrangers(rest.Unmatched)
	}
	if !whole && len(r.skipped) == 0 {
		return nil
	}
	return r.send(rest)
}

// send emits a batch.
func (r *round) send(b evidence.Batch) error {
	if err := r.emit(b); err != nil {
		return &collectors.CallError{Reason: evidence.ReasonStore, Call: "store batch of " + r.id, Err: err}
	}
	return nil
}

// ask sends every distinct query once.
func (r *round) ask(ctx context.Context) {
	order := questions(r.facts)
	for _, q := range order {
		r.results[q.query] = &result{question: q, hits: map[reading]hits{}}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	next := make(chan *result)
	for range min(r.concurrency, len(order)) {
		wg.Go(func() {
			for res := range next {
				if ctx.Err() != nil {
					res.err = &collectors.CallError{Reason: evidence.ReasonCanceled, Call: callQuery, Err: context.Cause(ctx)}
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
			if slices.ContainsFunc(res.notices, func(text string) bool { return strings.HasPrefix(text, warningPrefix) }) {
				r.skipped["promql_warning"]++
			}
			r.noting[strings.Join(res.facts, ", ")] = evidence.Clean(strings.Join(res.notices, "; "), 500)
		}
		r.strangers.merge(res.strangers)
		for kind, n := range res.skipped {
			r.skipped[kind] += n
		}
	}
}

// match joins the series of an answer to the catalog. A series is of nobody when
// no reading finds a service for it.
func (r *round) match(res *result, vector model.Vector) {
	for _, how := range res.readings {
		res.hits[how] = hits{}
	}
	res.skipped = map[string]int{}
	for n, s := range vector {
		metric, keep := r.relabel.apply(s.Metric)
		if !keep {
			continue
		}
		found, ignored := false, false
		for _, how := range res.readings {
			labels, keep := metric, true
			if how.relabel != nil {
				// What a file changes comes before what the server's rules do.
				if labels, keep = how.relabel.apply(s.Metric); keep {
					labels, keep = r.relabel.apply(labels)
				}
			}
			if !keep {
				ignored = true
				continue
			}
			parts := r.scope.lookups[how.join.name].find(labels)
			if len(parts) == 0 {
				continue
			}
			found = true
			one := sample{id: fmt.Sprintf("%d %s", n, res.query), value: float64(s.Value),
				labels: evidence.Clean(s.Metric.String(), 300)}
			if s.Histogram != nil {
				one.value = math.NaN() // a distribution is not a number
			}
			for _, p := range parts {
				res.hits[how][p] = append(res.hits[how][p], one)
			}
		}
		switch {
		case found:
			if kind := unusable(s); kind != "" {
				res.skipped[kind]++
			}
		case !ignored:
			if name, ok := stranger(res.readings, metric); ok {
				res.strangers.add(name, 1)
			}
		}
	}
	// Servers need not answer in the same order twice; the wording of the
	// provenance must not change with it.
	for _, h := range res.hits {
		for _, list := range h {
			slices.SortFunc(list, func(a, b sample) int { return strings.Compare(a.labels, b.labels) })
		}
	}
}

// warningPrefix marks the engine's own warnings, which say that it left samples
// out of the answer.
const warningPrefix = "PromQL warning"

// unusable says why a sample is no number to go by, or nothing. Infinity is a
// division by zero, except where an age is told: there it means never.
func unusable(s *model.Sample) string {
	switch v := float64(s.Value); {
	case s.Histogram != nil:
		return "histogram_sample"
	case math.IsNaN(v):
		return "nan_sample"
	case math.IsInf(v, 0):
		return "infinite_sample"
	}
	return ""
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
			if collectors.ReasonOf(context.Background(), res.err) == evidence.ReasonCanceled {
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
