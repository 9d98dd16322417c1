package store

import (
	"context"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
)

// CoverageGap is the longest time between two answers of a group that are one span. It
// is shorter than any evidence is fresh: within a span a group is fresh.
const CoverageGap = 10 * time.Minute

// CoverageSpan is a time in which a group of facts was answered again and again.
type CoverageSpan struct {
	Source, Group string
	// From is the first answer, Until the last.
	From, Until time.Time
}

// coverageSpanRow is a span that has ended.
type coverageSpanRow struct{ CoverageSpan }

func (r *coverageSpanRow) table() table {
	return table{
		name: "coverage_spans",
		key:  columns{{"source_id", sourceID(&r.Source)}, {"fact_group", &r.Group}, {"from_at", timeOf(&r.From)}},
		data: columns{{"until_at", timeOf(&r.Until)}},
	}
}

// coverageSpan is when the span of a new answer began. It stores the span before if this
// is another one.
func (c *commit) coverageSpan(
	ctx context.Context, before coverageRow, now evidence.Coverage,
) (since time.Time, err error) {
	if before.At.IsZero() {
		return now.At, nil
	}
	if gap := now.At.Sub(before.At); gap >= 0 && gap <= CoverageGap && !before.since.IsZero() {
		return before.since, nil
	}
	return now.At, put(ctx, c.tx, coverageSpanRow{before.span()})
}

// span is the present span of a group.
func (r *coverageRow) span() CoverageSpan {
	span := CoverageSpan{Source: r.Source, Group: r.Group, From: r.since, Until: r.At}
	if span.From.IsZero() {
		span.From = r.At
	}
	return span
}

// ExceptionSpan is a time in which a source had no answer for a service.
type ExceptionSpan struct {
	Source, Group, Service string
	// From is the first answer without the service, Until the first with it; zero while
	// there is none.
	From, Until time.Time
	// Held is when the group was last answered before; zero if it was not.
	Held   time.Time
	Reason evidence.Missing
}

// exceptionSpanRow is a span that has ended.
type exceptionSpanRow struct{ ExceptionSpan }

func (r *exceptionSpanRow) table() table {
	return table{
		name: "exception_spans",
		key: columns{
			{"source_id", sourceID(&r.Source)}, {"fact_group", &r.Group}, {"service_id", serviceID(&r.Service)},
			{"from_at", timeOf(&r.From)},
		},
		data: columns{{"until_at", timeOf(&r.Until)}, {"held_at", timeOrNull(&r.Held)}, {"reason", &r.Reason}},
	}
}

// endExceptions appends exceptions that are over. Of those that an earlier release has
// stored it is not known when they began.
func (c *commit) endExceptions(ctx context.Context, ended []exceptionRow, at time.Time) error {
	var rows []exceptionSpanRow
	for _, r := range ended {
		if !r.since.IsZero() {
			span := r.span()
			span.Until = at
			rows = append(rows, exceptionSpanRow{span})
		}
	}
	return put(ctx, c.tx, rows...)
}

func (r *exceptionRow) span() ExceptionSpan {
	return ExceptionSpan{
		Source: r.source, Group: r.group, Service: r.service, From: r.since, Held: r.held, Reason: r.reason,
	}
}

// judgingSpanRow is a time in which judging ran.
type judgingSpanRow struct{ evidence.Span }

func (r *judgingSpanRow) table() table {
	return table{
		name: "judging_spans", key: columns{{"from_at", timeOf(&r.From)}}, data: columns{{"until_at", timeOf(&r.Until)}},
	}
}

// judgingSpan is when the span of a new judgement began. It stores the span before if
// there was no judgement for longer than one may add to a clock.
func (w *judging) judgingSpan(ctx context.Context, j Judgement, last judgementRow) (since time.Time, err error) {
	if last.seq == 0 {
		return w.at, nil
	}
	since = last.judgingSince
	if since.IsZero() {
		since = last.at
	}
	if passed := w.at.Sub(last.at); passed >= 0 && passed <= max(scoring.DefaultMaxStep, j.FreshFor) {
		return since, nil
	}
	return w.at, put(ctx, w.tx, judgingSpanRow{evidence.Span{From: since, Until: last.at}})
}

// PastSubject is what a service was from a time on.
type PastSubject struct {
	From time.Time
	JudgedSubject
}

// JudgedSubject is a service as it was judged.
type JudgedSubject struct {
	scoring.Subject
	// PinnedTo is the hash of the criteria that it is pinned to; empty if it was judged by
	// Judgement.Framework.
	PinnedTo string
}

// subjectRow is a subject with its owner, which the JSON of a subject has not.
type subjectRow struct {
	service string
	from    time.Time
	subject storedSubject
}

type storedSubject struct {
	scoring.Subject
	Team     string `json:",omitempty"`
	Org      string `json:",omitempty"`
	PinnedTo string `json:",omitempty"`
}

func (s storedSubject) read() JudgedSubject {
	s.Owner = scoring.Owner{Team: s.Team, Org: s.Org}
	return JudgedSubject{s.Subject, s.PinnedTo}
}

func (r *subjectRow) table() table {
	return table{
		name: "subject_history",
		key:  columns{{"service_id", serviceID(&r.service)}, {"from_at", timeOf(&r.from)}},
		data: columns{{"subject", asJSON(&r.subject)}},
	}
}

// PastExemptions are the exemptions that there were from a time on.
type PastExemptions struct {
	From       time.Time
	Exemptions []scoring.Exemption
}

type exemptionsRow struct{ PastExemptions }

func (r *exemptionsRow) table() table {
	return table{
		name: "exemption_history", key: columns{{"from_at", timeOf(&r.From)}},
		data: columns{{"exemptions", asJSON(&r.Exemptions)}},
	}
}

// inputs are the subjects and exemptions that were stored last.
type inputs struct {
	subjects   map[string]JudgedSubject
	exemptions *[]scoring.Exemption
}

// inputs stores what has changed of the inputs of judgements. known is nil if they are
// to be read first.
func (w *judging) inputs(ctx context.Context, j Judgement, known *inputs) (*inputs, error) {
	if known == nil {
		var err error
		if known, err = readInputs(ctx, w.tx); err != nil {
			return nil, err
		}
	}
	var rows []subjectRow
	for _, s := range j.Subjects {
		if before, ok := known.subjects[s.Name]; !ok || before != s {
			rows = append(rows, subjectRow{s.Name, w.at, storedSubject{s.Subject, s.Team, s.Org, s.PinnedTo}})
		}
	}
	if err := put(ctx, w.tx, rows...); err != nil {
		return nil, err
	}
	now := j.Exemptions
	if before := known.exemptions; before == nil || !sameExemptions(*before, now) {
		if now == nil {
			now = []scoring.Exemption{}
		}
		if err := put(ctx, w.tx, exemptionsRow{PastExemptions{w.at, now}}); err != nil {
			return nil, err
		}
		known.exemptions = &now
	}
	// If the transaction fails, the caller reads everything again.
	for _, r := range rows {
		known.subjects[r.service] = r.subject.read()
	}
	return known, nil
}

func sameExemptions(a, b []scoring.Exemption) bool {
	return slices.EqualFunc(a, b, func(x, y scoring.Exemption) bool {
		return x.Check == y.Check && x.Expires.Equal(y.Expires) && x.Reason == y.Reason && x.Approver == y.Approver &&
			x.RequestedBy == y.RequestedBy && x.Ticket == y.Ticket &&
			slices.Equal(x.Services, y.Services) && slices.Equal(x.Tiers, y.Tiers) &&
			slices.Equal(x.Teams, y.Teams) && slices.Equal(x.Orgs, y.Orgs)
	})
}

func readInputs(ctx context.Context, r reader) (*inputs, error) {
	found := &inputs{subjects: map[string]JudgedSubject{}}
	at := map[string]time.Time{}
	err := read(ctx, r, condition{}, func(r subjectRow) error {
		if !r.from.Before(at[r.service]) {
			at[r.service], found.subjects[r.service] = r.from, r.subject.read()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var newest time.Time
	return found, read(ctx, r, condition{}, func(r exemptionsRow) error {
		if !r.From.Before(newest) {
			newest, found.exemptions = r.From, &r.Exemptions
		}
		return nil
	})
}
