package prometheus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// round is the state of one Collect.
type round struct {
	*Source
	request collectors.Request
	now     time.Time
	out     *collectors.Batches
	scope   *scope
	// data is how far back the server's data goes.
	data dataSpan
	// results are the answers by query.
	results map[string]*result
	// unmatched are the series of no service.
	unmatched collectors.Uncounted
}

// result is one answered query, joined to the catalog.
type result struct {
	question
	err       error
	notices   []string
	samples   map[reading]samplesByPart
	unmatched collectors.Uncounted
	// strays are the parts that unmatched series may belong to.
	strays map[reading]map[int]bool
	// isLacking reports that the engine has left series out of the answer, as its warnings
	// say.
	isLacking bool
	// unusable counts the samples of services that are no numbers, by kind.
	unusable map[string]int
}

// samplesByPart are the samples that belong to a service, by part.
type samplesByPart map[int][]sample

// sample is one number about one part of a service. Samples of a round have the same
// id if they are of one series: one of two parts is counted once, and so are the copies
// that replicas of the server have.
type sample struct {
	id     string
	value  float64
	labels string
	// via is the provider, where it is known.
	via string
}

// Collect sends every query once, for the same moment, and then asks for the
// rules and the alerts. A query that fails costs the facts that need it. See
// collectors.Source.
func (s *Source) Collect(ctx context.Context, req collectors.Request, emit func(evidence.Batch) error) error {
	if req.Now.IsZero() {
		req.Now = s.now()
	}
	req.Now = req.Now.UTC()
	s.notices.Begin()
	r := &round{
		Source: s, request: req, now: req.Now, out: collectors.NewBatches(s.id, req, emit),
		scope: newScope(req.Services, s.server, s.joins()), results: map[string]*result{},
	}
	err := r.collect(ctx)
	if !endsRound(ctx, err) {
		s.notices.End()
	}
	return err
}

func (r *round) collect(ctx context.Context) error {
	var errs []error
	if len(r.facts) > 0 {
		if err := r.measureData(ctx); err != nil {
			if answersNothing(ctx, err) {
				return err
			}
			errs = append(errs, err)
		}
		more, err := r.observeFacts(ctx)
		errs = append(errs, more...)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	if r.rules && !endsRound(ctx, errors.Join(errs...)) {
		errs = append(errs, r.observeRules(ctx))
	}
	if r.alertHistory > 0 && !endsRound(ctx, errors.Join(errs...)) {
		errs = append(errs, r.observeAlerts(ctx))
	}
	return errors.Join(errs...)
}

// observeFacts sends all queries and emits the facts that were answered. failed
// are the errors of queries, err one that ends the round.
func (r *round) observeFacts(ctx context.Context) (failed []error, err error) {
	r.ask(ctx)
	failed = r.failures()
	for i := range r.facts {
		if f := &r.facts[i]; r.answered(f) {
			if err := r.observe(f); err != nil {
				return failed, err
			}
		}
	}
	// Which series are unmatched is known when every query was answered.
	batch := evidence.Batch{}
	if len(failed) == 0 {
		unmatched := r.unmatched.Report(evidence.UncountedSeries)
		batch.Uncounted = []evidence.Uncounted{unmatched}
		r.logUnmatched(&unmatched)
		return nil, r.out.Send(batch)
	}
	r.notices.Keep(func(subject string) bool { return subject == noticeUnmatched })
	if r.out.Pending() {
		return failed, r.out.Send(batch)
	}
	return failed, nil
}

// ask sends every distinct query once.
func (r *round) ask(ctx context.Context) {
	order := questions(r.facts)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	next := make(chan *result)
	for range min(r.concurrency, len(order)) {
		wg.Go(func() {
			for res := range next {
				r.answer(ctx, res)
				if endsRound(ctx, res.err) {
					stop(errors.New("the server did not answer another query"))
				}
			}
		})
	}
	for _, q := range order {
		r.results[q.text] = &result{question: q, samples: map[reading]samplesByPart{}}
		next <- r.results[q.text]
	}
	close(next)
	wg.Wait()
	for _, q := range order {
		res := r.results[q.text]
		if len(res.notices) > 0 {
			if res.isLacking {
				r.out.Skip("promql_warning")
			}
			r.notice(strings.Join(res.facts, ", "), strings.Join(res.notices, "; "))
		}
		r.unmatched.Merge(res.unmatched)
		for kind, n := range res.unusable {
			for range n {
				r.out.Skip(kind)
			}
		}
	}
}

// answer sends one query and joins its answer to the catalog.
func (r *round) answer(ctx context.Context, res *result) {
	if ctx.Err() != nil {
		res.err = collectors.Failed(evidence.ReasonCanceled, callQuery, "%w", context.Cause(ctx))
		return
	}
	var vector model.Vector
	if vector, res.notices, res.err = r.api.query(ctx, res.text, r.now); res.err == nil {
		res.isLacking = slices.ContainsFunc(res.notices,
			func(text string) bool { return strings.HasPrefix(text, warningPrefix) })
		r.match(res, vector)
	}
}

// match joins the series of an answer to the catalog. A series is unmatched when
// no reading finds a service for it.
func (r *round) match(res *result, vector model.Vector) {
	res.unusable, res.strays = map[string]int{}, map[reading]map[int]bool{}
	for _, how := range res.readings {
		res.samples[how] = samplesByPart{}
	}
	for n, s := range vector {
		serverLabels, keep := r.relabel.apply(s.Metric)
		if !keep {
			continue
		}
		found, dropped := false, false
		for _, how := range res.readings {
			parts, keep := r.find(how, s.Metric, serverLabels)
			found, dropped = found || len(parts) > 0, dropped || !keep
			if len(parts) == 0 {
				continue
			}
			one := r.sample(s, n, res.text)
			for _, p := range parts {
				res.samples[how][p] = append(res.samples[how][p], one)
			}
		}
		if kind := unusable(s); found && kind != "" {
			res.unusable[kind]++
		}
		if name, reason := unmatchedName(res.readings, serverLabels); name != "" && !found && !dropped {
			res.unmatched.Add(reason, name, 1)
			r.addStray(res, s.Metric, serverLabels)
		}
	}
	res.sort()
}

// sample is the number of the nth series of an answer.
func (r *round) sample(s *model.Sample, n int, query string) sample {
	one := sample{
		id: fmt.Sprintf("%d %s", n, query), value: float64(s.Value), labels: evidence.Clean(s.Metric.String(), 300),
	}
	if own, copied := r.withoutReplica(s.Metric); copied {
		one.id = own.String() + " " + query
	}
	if s.Histogram != nil {
		one.value = math.NaN() // a distribution is not a number
	}
	return one
}

// addStray notes the services that an unmatched series may belong to.
func (r *round) addStray(res *result, m, serverLabels model.Metric) {
	for _, how := range res.readings {
		labels, keep := r.labels(how, m, serverLabels)
		if !keep || how.join.selective {
			continue
		}
		for _, part := range r.scope.lookups[how.join.name].mayBelong(labels) {
			if res.strays[how] == nil {
				res.strays[how] = map[int]bool{}
			}
			res.strays[how][part] = true
		}
	}
}

// sort orders the samples by their labels. A server may answer in another order
// each time, and the provenance must not change with it.
func (res *result) sort() {
	for _, byPart := range res.samples {
		for _, list := range byPart {
			slices.SortFunc(list, func(a, b sample) int { return strings.Compare(a.labels, b.labels) })
		}
	}
}

// find are the parts that a series belongs to. serverLabels are its labels after
// the rules of the server. keep is false for a series that relabelling drops.
func (r *round) find(how reading, m, serverLabels model.Metric) (parts []int, keep bool) {
	labels, keep := r.labels(how, m, serverLabels)
	if !keep {
		return nil, false
	}
	return r.scope.lookups[how.join.name].find(labels), true
}

// labels are those by which a reading finds the service of a series.
func (r *round) labels(how reading, m, serverLabels model.Metric) (labels model.Metric, keep bool) {
	if how.relabel == nil {
		return serverLabels, true
	}
	// The rules of a file come before those of the server.
	if labels, keep = how.relabel.apply(m); keep {
		labels, keep = r.relabel.apply(labels)
	}
	return labels, keep
}

// warningPrefix marks the engine's own warnings, which report samples that it
// left out of the answer.
const warningPrefix = "PromQL warning"

// unusable is the kind of a sample that is no number, or "". Infinity is a division
// by zero, except for ages: there it means never.
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

// failures lists the failed queries in the order of the facts. Queries that were
// not sent because another failed are left out; when the end of the round stopped
// them all, the first is listed.
func (r *round) failures() []error {
	var failed, unsent []error
	seen := map[*result]bool{}
	for _, f := range r.facts {
		for _, q := range f.queries() {
			res := r.results[q.text]
			if res.err == nil || seen[res] {
				continue
			}
			seen[res] = true
			err := collectors.About(res.err, strings.Join(res.facts, ", "))
			if collectors.ReasonOf(context.Background(), res.err) == evidence.ReasonCanceled {
				unsent = append(unsent, err)
			} else {
				failed = append(failed, err)
			}
		}
	}
	if len(failed) == 0 {
		return unsent[:min(len(unsent), 1)]
	}
	return failed
}

// answered reports whether all queries of a fact were answered.
func (r *round) answered(f *fact) bool {
	if f.needsMemory() && !r.data.known {
		return false
	}
	return !slices.ContainsFunc(f.queries(), func(q query) bool { return r.results[q.text].err != nil })
}

// notice logs what the server says about a subject, once while it stays the same.
func (r *round) notice(subject, text string) {
	if text = evidence.Clean(text, 500); r.notices.Add(subject, text) {
		r.log.Info("the server remarks on an answer", "about", subject, "remark", text)
	}
}

// joins lists the joins that the facts use, each once.
func (s *Source) joins() []*join {
	used := map[string]*join{}
	for _, f := range s.facts {
		for _, q := range f.queries() {
			used[q.join.name] = q.join
		}
	}
	return slices.Collect(maps.Values(used))
}

// answersNothing reports whether a failed first query means that the server
// answers none: any reason but a fault of the query itself, or its cost.
func answersNothing(ctx context.Context, err error) bool {
	switch collectors.ReasonOf(ctx, err) {
	case evidence.ReasonRejected, evidence.ReasonTimeout, evidence.ReasonIncomplete:
		return ctx.Err() != nil
	}
	return true
}

// endsRound reports whether the rest of the round must not be asked for.
func endsRound(ctx context.Context, err error) bool {
	return collectors.EndsRound(ctx, err, evidence.ReasonUnreachable, evidence.ReasonCanceled)
}
