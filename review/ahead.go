package review

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

const (
	// ahead is how far ahead gaps and ends of exemptions are looked for.
	ahead = 30 * day
	// mostStale bounds the facts that are listed.
	mostStale = 15
)

// onCall are the gaps ahead of services that PagerDuty knows.
func (b *builder) onCall() OnCall {
	out := OnCall{Gaps: []Gap{}}
	b.Snapshot.OnCallGaps(func(s *snapshot.Service, gap snapshot.OnCallGap) {
		name := s.Entry.Name
		switch {
		case b.ofName[name] == nil:
		case !gap.Known:
			out.Unknown += count(len(s.Entry.PagerDuty) > 0)
		default:
			out.Known++
			if start := gap.Start; !start.IsZero() && start.Before(b.at.Add(ahead)) {
				out.Gaps = append(out.Gaps, Gap{Owner: b.owner(name), Start: start.UTC().Truncate(time.Second),
					Now: !start.After(b.at)})
			}
		}
	})
	slices.SortStableFunc(out.Gaps, func(x, y Gap) int {
		return cmp.Or(cmp.Compare(count(y.Now), count(x.Now)), x.Start.Compare(y.Start), cmp.Compare(x.Tier, y.Tier))
	})
	return out
}

// stale are the facts with a value that is not fresh any more.
func (b *builder) stale() (list []StaleFact, more int) {
	type key struct{ fact, source string }
	of := map[key]*StaleFact{}
	facts := b.Snapshot.Framework.Facts()
	for _, s := range b.services {
		if s.Evidence == nil {
			continue
		}
		for i := range s.Evidence.Len() {
			o := s.Evidence.At(i)
			if o.State(b.at) != evidence.StateStale {
				continue
			}
			k := key{facts.At(i).Name, o.Source}
			f := of[k]
			if f == nil {
				f = &StaleFact{Fact: k.fact, Source: k.source, Oldest: o.ObservedAt.UTC()}
				of[k] = f
			}
			f.Services = append(f.Services, s.Entry.Name)
			f.Oldest = earlier(f.Oldest, o.ObservedAt.UTC())
		}
	}
	list = []StaleFact{}
	for f := range maps.Values(of) {
		f.Oldest = f.Oldest.Truncate(time.Second)
		list = append(list, *f)
	}
	slices.SortFunc(list, func(x, y StaleFact) int {
		return cmp.Or(x.Oldest.Compare(y.Oldest), cmp.Compare(len(y.Services), len(x.Services)),
			cmp.Compare(x.Fact, y.Fact), cmp.Compare(x.Source, y.Source))
	})
	return first(list, mostStale), len(list) - len(first(list, mostStale))
}

// exemptions are those that end soon, and are in force for a service of the scope.
func (b *builder) exemptions() []Exemption {
	list := []Exemption{}
	for i := range b.Exemptions {
		e := &b.Exemptions[i]
		if !b.at.Before(e.Expires) || e.Expires.After(b.at.Add(ahead)) {
			continue
		}
		out := Exemption{Check: e.Check, Reason: e.Reason, RequestedBy: e.RequestedBy, Approver: e.Approver, Ticket: e.Ticket,
			Expires: e.Expires.UTC()}
		for _, s := range b.services {
			subject := scoring.NewSubject(s.Entry, b.Snapshot.Framework.Facts(), s.Evidence)
			if e.Covers(&subject, b.at) {
				out.Services = append(out.Services, s.Entry.Name)
			}
		}
		if len(out.Services) > 0 {
			list = append(list, out)
		}
	}
	slices.SortStableFunc(list, func(x, y Exemption) int {
		return cmp.Or(x.Expires.Compare(y.Expires), cmp.Compare(x.Check, y.Check))
	})
	return list
}

func (b *builder) reviews() Reviews {
	out := Reviews{Never: []string{}, Drifted: []Drift{}}
	// A ticket is one review, however many services it names.
	type ticket struct{ source, id string }
	completed, open := map[ticket]bool{}, map[ticket]bool{}
	for i := range b.Reviews {
		r := &b.Reviews[i]
		if r.Gone || r.Status == evidence.ReviewNotDone || b.ofName[r.Service] == nil {
			continue
		}
		t := ticket{r.Source, r.ID}
		switch {
		case r.Status != evidence.ReviewDone:
			open[t] = true
		case !r.CompletedAt.Before(b.Period.From) && r.CompletedAt.Before(b.end):
			completed[t] = true
		}
	}
	out.Completed, out.Open = len(completed), len(open)
	for _, s := range b.services {
		name := s.Entry.Name
		if s.Reviews == nil || s.Reviews.Completed.IsZero() {
			out.Never = append(out.Never, name)
		}
		if drifted := s.Card.Drifted(); len(drifted) > 0 {
			out.Drifted = append(out.Drifted, Drift{Owner: b.owner(name), Checks: drifted, Reviewed: reviewed(s)})
		}
	}
	slices.SortStableFunc(out.Drifted, func(x, y Drift) int {
		return cmp.Or(cmp.Compare(len(y.Checks), len(x.Checks)), cmp.Compare(x.Tier, y.Tier))
	})
	b.overdue(&out)
	return out
}

// overdue fills in the reviews that are late.
func (b *builder) overdue(out *Reviews) {
	switch {
	case len(b.Reviews) == 0:
		out.Never = []string{}
		out.OverdueWhy = "No readiness review is known."
	case b.Due == nil:
		out.OverdueWhy = "Nothing says how often a service has to be reviewed."
	default:
		out.Overdue = []Overdue{}
		for _, s := range b.services {
			if due := b.Due[s.Entry.Name]; !due.IsZero() && due.Before(b.at) {
				out.Overdue = append(out.Overdue, Overdue{b.owner(s.Entry.Name), due.UTC().Truncate(time.Second), reviewed(s)})
			}
		}
		slices.SortStableFunc(out.Overdue, func(x, y Overdue) int { return x.Due.Compare(y.Due) })
	}
}

func reviewed(s *snapshot.Service) time.Time {
	if s.Reviews == nil || s.Reviews.Completed.IsZero() {
		return time.Time{}
	}
	return s.Reviews.Completed.UTC().Truncate(time.Second)
}

// feedback is what teams say about checks, with what these predict.
func (b *builder) feedback() []CheckFeedback {
	list := []CheckFeedback{}
	for _, check := range b.Snapshot.Checks() {
		said := report.FeedbackOn(b.Snapshot, check.ID)
		predicts, known := b.Predicts[check.ID]
		if len(said) == 0 && !predicts.NoRelation {
			continue
		}
		f := CheckFeedback{Check: check.ID, Title: check.Title, Kinds: []KindCount{}}
		for _, kind := range evidence.FeedbackKinds() {
			for _, s := range said {
				if s.Kind == string(kind) {
					f.Kinds = append(f.Kinds, KindCount{s.Kind, s.Issues})
				}
			}
		}
		if known {
			f.Predicts = &predicts
		}
		worth := report.Weigh(check, said, f.Predicts)
		f.Advice, f.Why = worth.Verdict, worth.Why
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(x, y CheckFeedback) int { return cmp.Compare(y.total(), x.total()) })
	return list
}

func (f *CheckFeedback) total() int {
	total := 0
	for _, k := range f.Kinds {
		total += k.Count
	}
	return total
}

func (b *builder) effect() Effect {
	if b.Effect == nil {
		return Effect{Words: "Whether reviews change the time to resolve is not known. " +
			orText(b.NoIncidents, "No figure is made of it.")}
	}
	return *b.Effect
}
