// Package dashboardtest evaluates queries on Prometheus's own engine, over what
// a collector has served and what the recording rules make of it.
package dashboardtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/prodready/collector/demo/prometheus"
)

// Scrapes are how often an exposition is stored, a minute apart, so that rules
// and ranges have something to look back on.
const Scrapes = 5

// Engine is a Prometheus without a server.
type Engine struct {
	db     *tsdb.DB
	engine *promql.Engine
	now    time.Time
	groups []*rules.Group
}

// Options say what is evaluated.
type Options struct {
	// Folder is an empty folder for the database.
	Folder string
	// Exposition is the text of a scrape, in the text format of the content type
	// "text/plain".
	Exposition []byte
	// Rules are the files of recording and alerting rules.
	Rules []string
	// Now is the time of the last scrape.
	Now time.Time
	// Past are series that there were before, every PastStep for PastReach.
	Past iter.Seq[prometheus.Series]
}

// The past is coarse: expressions about it look back over PastStep.
const (
	PastReach = 180 * 24 * time.Hour
	PastStep  = 6 * time.Hour
)

// New stores the exposition as the last Scrapes scrapes of one target and
// evaluates the rules after each. It fails when a rule does.
func New(ctx context.Context, o Options) (e *Engine, err error) {
	options := tsdb.DefaultOptions()
	options.WALSegmentSize = -1 // nothing has to outlive the test
	// The past and the present are in one block.
	options.MinBlockDuration = (3 * PastReach).Milliseconds()
	options.MaxBlockDuration = options.MinBlockDuration
	options.RetentionDuration = 0
	db, err := tsdb.Open(o.Folder, promslog.NewNopLogger(), nil, options, nil)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	e = &Engine{db: db, now: o.Now, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true,
	})}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if err := e.remember(ctx, o); err != nil {
		return nil, err
	}
	samples, err := parse(o.Exposition)
	if err != nil {
		return nil, err
	}
	if e.groups, err = e.load(ctx, o.Rules); err != nil {
		return nil, err
	}
	for i := range Scrapes {
		at := o.Now.Add(time.Duration(i-Scrapes+1) * time.Minute)
		if err := e.scrape(ctx, samples, at); err != nil {
			return nil, err
		}
		for _, g := range e.groups {
			g.Eval(ctx, at)
			for _, r := range g.Rules() {
				if err := r.LastError(); err != nil {
					return nil, fmt.Errorf("the rule %s: %w", r.Name(), err)
				}
			}
		}
	}
	return e, nil
}

// SlowestRule is the rule whose last evaluation took the longest, and how long that was.
func (e *Engine) SlowestRule() (name string, took time.Duration) {
	for _, g := range e.groups {
		for _, r := range g.Rules() {
			if d := r.GetEvaluationDuration(); d > took {
				name, took = r.Name(), d
			}
		}
	}
	return name, took
}

// Close closes the database.
func (e *Engine) Close() error { return errors.Join(e.engine.Close(), e.db.Close()) }

// instance is the target that is scraped.
const instance = "127.0.0.1:9847"

type sample struct {
	labels labels.Labels
	value  float64
}

// parse reads an exposition as Prometheus does, and adds the labels of a target.
func parse(exposition []byte) ([]sample, error) {
	p, err := textparse.New(exposition, "text/plain; version=0.0.4", nil, textparse.ParserOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the exposition: %w", err)
	}
	var samples []sample
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return samples, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the exposition: %w", err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var own labels.Labels
		p.Labels(&own)
		_, _, value := p.Series()
		b := labels.NewBuilder(own)
		b.Set("job", "readiness").Set("instance", instance)
		samples = append(samples, sample{b.Labels(), value})
	}
}

func (e *Engine) scrape(ctx context.Context, samples []sample, at time.Time) error {
	appender := e.db.AppenderV2(ctx)
	own := labels.FromStrings(
		model.MetricNameLabel, "scrape_samples_scraped", "job", "readiness", "instance", instance,
	)
	for _, s := range append(samples, sample{own, float64(len(samples))}) {
		if _, err := appender.Append(0, s.labels, 0, at.UnixMilli(), s.value, nil, nil, storage.AOptions{}); err != nil {
			return errors.Join(fmt.Errorf("storing %s: %w", s.labels, err), appender.Rollback())
		}
	}
	return appender.Commit()
}

// remember stores the past.
func (e *Engine) remember(ctx context.Context, o Options) error {
	if o.Past == nil {
		return nil
	}
	for s := range o.Past {
		b := labels.NewBuilder(labels.FromMap(s.Labels))
		b.Set(model.MetricNameLabel, s.Name)
		of, appender := b.Labels(), e.db.AppenderV2(ctx)
		for at := o.Now.Add(-PastReach); at.Before(o.Now); at = at.Add(PastStep) {
			value, ok := s.At(at)
			if !ok {
				continue
			}
			if _, err := appender.Append(0, of, 0, at.UnixMilli(), value, nil, nil, storage.AOptions{}); err != nil {
				return errors.Join(fmt.Errorf("storing the past of %s: %w", of, err), appender.Rollback())
			}
		}
		if err := appender.Commit(); err != nil {
			return fmt.Errorf("storing the past of %s: %w", of, err)
		}
	}
	return nil
}

// load reads the rules, recording ones first.
func (e *Engine) load(ctx context.Context, files []string) ([]*rules.Group, error) {
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(e.engine, e.db), AppendableV2: e.db, Queryable: e.db,
		Context: ctx, Logger: promslog.NewNopLogger(), Parser: parser.NewParser(parser.Options{}),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
	})
	byKey, errs := manager.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, files...)
	if errs != nil {
		return nil, fmt.Errorf("loading the rules: %w", errors.Join(errs...))
	}
	var groups []*rules.Group
	for _, g := range byKey {
		groups = append(groups, g)
	}
	alerts := func(g *rules.Group) int { return len(g.AlertingRules()) }
	slices.SortFunc(groups, func(a, b *rules.Group) int { return alerts(a) - alerts(b) })
	return groups, nil
}

// Series is the number of series that an expression has at the time of the last
// scrape. A scalar is one.
func (e *Engine) Series(ctx context.Context, expr string) (int, error) {
	q, err := e.engine.NewInstantQuery(ctx, e.db, nil, expr, e.now)
	if err != nil {
		return 0, err
	}
	defer q.Close()
	return count(q.Exec(ctx))
}

// Values are those that an expression has at the time of the last scrape.
func (e *Engine) Values(ctx context.Context, expr string) ([]float64, error) {
	q, err := e.engine.NewInstantQuery(ctx, e.db, nil, expr, e.now)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	vector, err := q.Exec(ctx).Vector()
	if err != nil {
		return nil, err
	}
	values := make([]float64, 0, len(vector))
	for _, s := range vector {
		values = append(values, s.F)
	}
	return values, nil
}

// SeriesOverTime is the number of series with at least one value between the
// first and the last scrape.
func (e *Engine) SeriesOverTime(ctx context.Context, expr string) (int, error) {
	q, err := e.engine.NewRangeQuery(ctx, e.db, nil, expr, e.now.Add(-(Scrapes-1)*time.Minute), e.now, time.Minute)
	if err != nil {
		return 0, err
	}
	defer q.Close()
	return count(q.Exec(ctx))
}

func count(r *promql.Result) (int, error) {
	if r.Err != nil {
		return 0, r.Err
	}
	switch v := r.Value.(type) {
	case promql.Vector:
		return len(v), nil
	case promql.Matrix:
		return len(v), nil
	default:
		return 1, nil
	}
}
