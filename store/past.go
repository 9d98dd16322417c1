package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// Past is what judgements of the past need to know beside the services.
type Past struct {
	// Since is when the oldest history of a fact begins; zero without any.
	Since time.Time
	// JudgedAt is the last judgement; zero without one.
	JudgedAt time.Time
	// Groups are the facts of each group, as it is answered now.
	Groups []Coverage
	// Coverage are the times in which groups were answered, by source, group and time.
	// They are known from CoverageSince on.
	Coverage      []CoverageSpan
	CoverageSince time.Time
	// Runs are the successful rounds of sources before CoverageSince, the oldest first.
	Runs []PastRun
	// Judging are the times in which judging ran, the oldest first; the last one may go on.
	Judging []evidence.Span
	// Exemptions are those that there were, the oldest first.
	Exemptions []PastExemptions
	// Frameworks are the criteria that were judged by, the oldest first.
	Frameworks []FrameworkChange
}

// PastRun is a round of a source that succeeded.
type PastRun struct {
	Source string
	At     time.Time
}

// PastService is the past of one service.
type PastService struct {
	Service string
	// Records are in the order of their times.
	Records []PastRecord
	// Exceptions are times in which a source had no answer for it.
	Exceptions []ExceptionSpan
	// Subjects are what it was, the oldest first.
	Subjects []PastSubject
	// FirstJudged is zero for a service that was never judged.
	FirstJudged time.Time
	// Badges are its changes, the oldest first, without their flips.
	Badges []PastBadge
	// Holds are the times on hold; the present one has no Until.
	Holds []evidence.Span
}

// PastBadge is a badge that was held from a time on.
type PastBadge struct {
	At    time.Time
	Badge framework.Badge
}

// PastRecord is a value that began at a time, or a withdrawal.
type PastRecord struct {
	Fact, Source string
	From         time.Time
	// Since is as in evidence.Record.
	Since     time.Time
	Value     evidence.Value
	Withdrawn evidence.Missing
}

// EachPast reads the past up to a time: begin gets what all services share, then each gets
// every service that has records, one at a time. service narrows it to one; empty is all.
// An error of theirs ends it and is returned as it is. They must not use the store.
func (s *Store) EachPast(
	ctx context.Context, service string, until time.Time, begin func(Past) error, each func(PastService) error,
) error {
	var own error // of begin or each
	err := s.view(ctx, "reading the past", func(v *view) error {
		p := pastReader{view: v, until: until, services: map[string]*PastService{}}
		if service != "" {
			p.one = v.id(nameIn{serviceNames, service})
			p.of = where(`service_id = ?`, p.one)
		}
		past, err := p.shared(ctx)
		if err != nil {
			return err
		}
		if err := p.ofServices(ctx); err != nil {
			return err
		}
		if own = begin(past); own != nil {
			return own
		}
		return p.records(ctx, past.Since, func(s PastService) error {
			own = each(s)
			return own
		})
	})
	if own != nil {
		return own
	}
	return err
}

// pastReader reads the past in one transaction.
type pastReader struct {
	*view
	until time.Time
	// one is the id of the service that is read, 0 for all, and of selects its rows.
	one int64
	of  condition
	// services have everything but their records.
	services map[string]*PastService
}

func (p *pastReader) service(name string) *PastService {
	found := p.services[name]
	if found == nil {
		found = &PastService{Service: name}
		p.services[name] = found
	}
	return found
}

func (p *pastReader) shared(ctx context.Context) (past Past, err error) {
	oldest, err := number(ctx, p, `SELECT MIN(from_at) FROM fact_history`)
	if err != nil {
		return past, err
	}
	if oldest != 0 {
		past.Since = instant(oldest)
	}
	if past.Groups, err = p.loadCoverage(ctx); err != nil {
		return past, err
	}
	if err := p.coverage(ctx, &past); err != nil {
		return past, fmt.Errorf("when facts were answered: %w", err)
	}
	last, err := lastJudgement(ctx, p)
	if err != nil {
		return past, err
	}
	past.JudgedAt = last.at
	err = read(ctx, p, condition{}, func(r judgingSpanRow) error {
		past.Judging = append(past.Judging, r.Span)
		return nil
	})
	if err != nil {
		return past, err
	}
	if !last.judgingSince.IsZero() {
		past.Judging = append(past.Judging, evidence.Span{From: last.judgingSince, Until: last.at})
	}
	slices.SortFunc(past.Judging, func(a, b evidence.Span) int { return a.From.Compare(b.From) })
	err = read(ctx, p, condition{}.ordered(`from_at`), func(r exemptionsRow) error {
		past.Exemptions = append(past.Exemptions, r.PastExemptions)
		return nil
	})
	if err != nil {
		return past, err
	}
	return past, read(ctx, p, condition{}.ordered(`at`), func(r frameworkChangeRow) error {
		past.Frameworks = append(past.Frameworks, r.FrameworkChange)
		return nil
	})
}

// coverage reads when groups were answered. Before the first release that stores it, that
// is taken from the rounds that succeeded.
func (p *pastReader) coverage(ctx context.Context, past *Past) error {
	err := read(ctx, p, condition{}, func(r coverageSpanRow) error {
		past.Coverage = append(past.Coverage, r.CoverageSpan)
		return nil
	})
	if err != nil {
		return err
	}
	err = read(ctx, p, condition{}, func(r coverageRow) error {
		past.Coverage = append(past.Coverage, r.span())
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(past.Coverage, func(a, b CoverageSpan) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Group, b.Group), a.From.Compare(b.From))
	})
	for _, s := range past.Coverage {
		if past.CoverageSince.IsZero() || s.From.Before(past.CoverageSince) {
			past.CoverageSince = s.From
		}
	}
	earlier := where(`reason = '' AND finished_at < ?`, past.CoverageSince).ordered(`finished_at`)
	return read(ctx, p, earlier, func(r runRow) error {
		past.Runs = append(past.Runs, PastRun{r.source, r.Finished})
		return nil
	})
}

// ofServices reads everything of the services but their records.
func (p *pastReader) ofServices(ctx context.Context) error {
	if err := p.badges(ctx); err != nil {
		return fmt.Errorf("badges: %w", err)
	}
	err := read(ctx, p, p.of, func(r subjectRow) error {
		s := p.service(r.service)
		s.Subjects = append(s.Subjects, PastSubject{r.from, r.subject.read()})
		return nil
	})
	if err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	add := func(span ExceptionSpan) {
		s := p.service(span.Service)
		s.Exceptions = append(s.Exceptions, span)
	}
	err = read(ctx, p, p.of, func(r exceptionSpanRow) error {
		add(r.ExceptionSpan)
		return nil
	})
	if err != nil {
		return fmt.Errorf("exceptions: %w", err)
	}
	err = read(ctx, p, p.of, func(r exceptionRow) error {
		add(r.span())
		return nil
	})
	if err != nil {
		return fmt.Errorf("exceptions: %w", err)
	}
	for _, s := range p.services {
		slices.SortFunc(s.Subjects, func(a, b PastSubject) int { return a.From.Compare(b.From) })
		slices.SortFunc(s.Exceptions, func(a, b ExceptionSpan) int { return a.From.Compare(b.From) })
		slices.SortFunc(s.Holds, func(a, b evidence.Span) int { return a.From.Compare(b.From) })
	}
	return nil
}

func (p *pastReader) badges(ctx context.Context) error {
	err := read(ctx, p, p.of, func(r badgeRow) error {
		s := p.service(r.service)
		s.FirstJudged = r.firstJudged
		if hold := r.state.Hold; hold != nil {
			s.Holds = append(s.Holds, evidence.Span{From: hold.Since})
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = read(ctx, p, p.of, func(r badgeHoldRow) error {
		s := p.service(r.Service)
		s.Holds = append(s.Holds, evidence.Span{From: r.Since, Until: r.Until})
		return nil
	})
	if err != nil {
		return err
	}
	return read(ctx, p, p.of.ordered(`at, seq, ord`), func(r transitionRow) error {
		s := p.service(r.Service)
		s.Badges = append(s.Badges, PastBadge{r.At, r.To})
		return nil
	})
}

// servicesAtOnce is of how many services the records are in memory together.
const servicesAtOnce = 256

// records calls call for every service that has records, with the service's records. They
// are read for some services at a time, fact by fact: that is the order of the tables, so
// that the database sorts nothing.
func (p *pastReader) records(ctx context.Context, oldest time.Time, call func(PastService) error) error {
	first, last := p.one, p.one
	if p.one == 0 && p.of.sql == "" {
		first, last = 1, p.store.names.lastID(serviceNames)
	}
	for from := first; from <= last; from += servicesAtOnce {
		to := min(last, from+servicesAtOnce-1)
		records, err := p.recordsOf(ctx, from, to, oldest)
		if err != nil {
			return err
		}
		for i, list := range records {
			if len(list) == 0 {
				continue
			}
			name, err := p.name(serviceNames, from+int64(i))
			if err != nil {
				return err
			}
			slices.SortFunc(list, func(a, b PastRecord) int {
				if !a.From.Equal(b.From) {
					return a.From.Compare(b.From)
				}
				return cmp.Or(cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Source, b.Source))
			})
			s := *p.service(name)
			s.Records = list
			if err := call(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordsOf are the records of the services with ids in a range, by their place in it.
// History is complete since oldest.
func (p *pastReader) recordsOf(ctx context.Context, from, to int64, oldest time.Time) ([][]PastRecord, error) {
	found := make([][]PastRecord, to-from+1)
	for fact := range p.store.names.lastID(factNames) {
		fact++ // ids begin with 1
		name, err := p.name(factNames, fact)
		if err != nil {
			return nil, err
		}
		of := where(`fact_id = ? AND service_id BETWEEN ? AND ?`, fact, from, to)
		add := func(service int64, r PastRecord) {
			r.Fact = name
			found[service-from] = append(found[service-from], r)
		}
		err = p.eachRow(ctx, `SELECT service_id, source_id, from_at, kind, instant, num, withdrawn, since FROM fact_history`,
			of.and(`from_at <= ?`, p.until).ordered(`service_id, source_id, from_at`), add)
		if err != nil {
			return nil, err
		}
		// The present value is not in history if it came too soon after the one before, or if
		// its row was too old to be kept.
		err = p.eachRow(ctx, `SELECT service_id, source_id, changed_at, kind, instant, num, withdrawn, since FROM fact_values`,
			of.and(`changed_at <= ? AND (NOT logged OR changed_at < ?)`, p.until, oldest),
			func(service int64, r PastRecord) {
				isNewer := func(h PastRecord) bool {
					return h.Fact == name && h.Source == r.Source && !h.From.Before(r.From)
				}
				if !slices.ContainsFunc(found[service-from], isNewer) {
					add(service, r)
				}
			})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p *pastReader) eachRow(
	ctx context.Context, query string, c condition, call func(service int64, r PastRecord),
) error {
	for where, args := range c.statements() {
		err := each(ctx, p, query+where, args, func(rows *sql.Rows) error {
			service, r, err := p.record(rows)
			if err == nil {
				call(service, r)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// record reads a row but for the name of its fact.
func (p *pastReader) record(rows *sql.Rows) (service int64, r PastRecord, err error) {
	var from, source, kind int64
	var isInstant bool
	var num float64
	var withdrawn string
	var since sql.NullInt64
	if err := rows.Scan(&service, &source, &from, &kind, &isInstant, &num, &withdrawn, &since); err != nil {
		return 0, r, err
	}
	r = PastRecord{From: instant(from), Withdrawn: evidence.Missing(withdrawn), Since: instant(from)}
	if since.Valid {
		r.Since = instant(since.Int64)
	}
	if r.Source, err = p.name(sourceNames, source); err != nil {
		return 0, r, err
	}
	if withdrawn == "" && evidence.Kind(kind) != evidence.KindInvalid {
		r.Value, err = evidence.Stored(evidence.Kind(kind), isInstant, num)
	}
	return service, r, err
}

// PastFramework is the stored text of criteria that were judged by.
func (s *Store) PastFramework(ctx context.Context, hash string) (found Framework, known bool, err error) {
	err = s.view(ctx, "reading earlier criteria", func(v *view) error {
		return read(ctx, v, where(`hash = ?`, hash), func(r frameworkRow) error {
			found, known = r.Framework, true
			return nil
		})
	})
	return found, known, err
}
