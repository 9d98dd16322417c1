package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// exception is a service that its source could not answer for, by fact.
type exception struct{ fact, service string }

// coverageRow is the newest complete answer of a group of facts.
type coverageRow struct {
	run RunID
	seq transactionNumber
	// since is when the present span of answers began.
	since time.Time
	Coverage
}

func (r *coverageRow) table() table {
	return table{
		name: "coverage",
		key:  columns{{"source_id", sourceID(&r.Source)}, {"fact_group", &r.Group}},
		data: columns{
			{"facts", asJSON(&r.Facts)}, {"observed_at", timeOf(&r.At)}, {"dated", &r.Dated},
			{"run_id", &r.run}, {"seq", &r.seq}, {"since_at", timeOrNull(&r.since)},
		},
	}
}

// exceptionRow is a service that is excepted from a group.
type exceptionRow struct {
	source, group, service string
	reason                 evidence.Missing
	// since is when the exception began, held when the group was last answered before.
	since, held time.Time
}

func (r *exceptionRow) table() table {
	return table{
		name: "coverage_exceptions",
		key: columns{
			{"source_id", sourceID(&r.source)}, {"fact_group", &r.group}, {"service_id", serviceID(&r.service)},
		},
		data: columns{{"reason", &r.reason}, {"since_at", timeOrNull(&r.since)}, {"held_at", timeOrNull(&r.held)}},
	}
}

// exceptions reads which services are excepted, for the facts of their groups.
func (c *commit) exceptions(ctx context.Context) (map[exception]bool, error) {
	groups, err := c.covered(ctx)
	if err != nil {
		return nil, err
	}
	excepted := map[exception]bool{}
	return excepted, read(ctx, c, c.ofSource(), func(r exceptionRow) error {
		for _, fact := range groups[r.group].Facts {
			excepted[exception{fact, r.service}] = true
		}
		return nil
	})
}

// covered reads the coverage of the source before this batch.
func (c *commit) covered(ctx context.Context) (map[string]coverageRow, error) {
	groups := map[string]coverageRow{}
	return groups, read(ctx, c, c.ofSource(), func(r coverageRow) error {
		groups[r.Group] = r
		return nil
	})
}

// coverage stores that groups are complete. A steady round writes one row for each
// group: services are named only when they begin or cease to be excepted.
func (c *commit) coverage(ctx context.Context, covered []evidence.Coverage) error {
	if len(covered) == 0 {
		return nil
	}
	before, err := c.covered(ctx)
	if err != nil {
		return err
	}
	for _, g := range covered {
		if err := c.group(ctx, g, before); err != nil {
			return fmt.Errorf("group %s: %w", g.Group, err)
		}
	}
	return nil
}

func (c *commit) group(ctx context.Context, g evidence.Coverage, before map[string]coverageRow) error {
	g.Group, g.Facts = text(g.Group), cleanList(g.Facts)
	if g.At.IsZero() {
		g.At = c.at
	}
	excepted := map[string]bool{}
	var wanted []exceptionRow
	for service, reason := range g.Except {
		excepted[text(service)] = true
		wanted = append(wanted, exceptionRow{c.source, g.Group, service, reason, g.At, before[g.Group].At})
	}
	written, deleted, err := replace(ctx, c.tx, c.ofSource().and(`fact_group = ?`, g.Group), wanted,
		func(old, now exceptionRow) exceptionRow {
			now.since, now.held = old.since, old.held
			return now
		})
	if err != nil {
		return err
	}
	if err := c.endExceptions(ctx, deleted, g.At); err != nil {
		return err
	}
	var hold, free []string
	for _, r := range written {
		hold = append(hold, r.service)
	}
	for _, r := range deleted {
		free = append(free, r.service)
	}
	if !slices.Equal(before[g.Group].Facts, g.Facts) {
		// Facts have joined or left the group: every present exception holds,
		// and what was held for another reason no longer is.
		hold = slices.Collect(maps.Keys(excepted))
		if free, err = c.heldWithout(ctx, g.Facts, excepted); err != nil {
			return err
		}
	}
	if err := c.hold(ctx, g.Facts, hold, before); err != nil {
		return err
	}
	if err := c.free(ctx, g.Facts, free); err != nil {
		return err
	}
	since, err := c.coverageSpan(ctx, before[g.Group], g)
	if err != nil {
		return err
	}
	before[g.Group] = coverageRow{run: c.run, since: since, Coverage: Coverage{c.source, g}}
	return put(ctx, c.tx, before[g.Group])
}

// ofFacts selects the rows of the source about some facts of one group.
func (c *commit) ofFacts(facts []string) condition {
	return c.ofSource().and(`fact_id IN (`+placeholders(len(facts))+`)`, namesIn(factNames, facts)...)
}

// heldWithout are the services whose values of some facts are held without their
// being excepted.
func (c *commit) heldWithout(ctx context.Context, facts []string, excepted map[string]bool) ([]string, error) {
	held := map[string]bool{}
	err := read(ctx, c, c.ofFacts(facts).and(`held_at IS NOT NULL`), func(r valueRow) error {
		if !excepted[r.service] {
			held[r.service] = true
		}
		return nil
	})
	return slices.Collect(maps.Keys(held)), err
}

// hold fixes the observed-at of the rows of services that are no longer
// covered at what it was. Rows that are held already stay as they are.
func (c *commit) hold(ctx context.Context, facts, services []string, before map[string]coverageRow) error {
	byTime := map[int64][]string{}
	for _, fact := range facts {
		var at time.Time
		for _, g := range before {
			if slices.Contains(g.Facts, fact) && g.At.After(at) {
				at = g.At
			}
		}
		byTime[micros(at)] = append(byTime[micros(at)], fact)
	}
	for at, facts := range byTime {
		err := c.execWhere(ctx, `UPDATE fact_values SET seq = ?,
			held_at = CASE WHEN seen_at > CAST(? AS BIGINT) THEN seen_at ELSE CAST(? AS BIGINT) END`, []any{c.seq, at, at},
			c.ofFacts(facts).and(`held_at IS NULL`).in("service_id", namesIn(serviceNames, services)))
		if err != nil {
			return err
		}
	}
	return nil
}

// free ends the hold on the rows of services that are covered again: their observed-at
// is that of their group from then on.
func (c *commit) free(ctx context.Context, facts, services []string) error {
	return c.execWhere(ctx, `UPDATE fact_values SET seq = ?, held_at = NULL`, []any{c.seq},
		c.ofFacts(facts).and(`held_at IS NOT NULL`).in("service_id", namesIn(serviceNames, services)))
}

// loadCoverage reads the coverage of all sources, ordered by source and group.
func (v *view) loadCoverage(ctx context.Context) ([]Coverage, error) {
	except := map[[2]string]map[string]evidence.Missing{}
	err := read(ctx, v, condition{}, func(r exceptionRow) error {
		group := [2]string{r.source, r.group}
		if except[group] == nil {
			except[group] = map[string]evidence.Missing{}
		}
		except[group][r.service] = r.reason
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []Coverage
	err = read(ctx, v, condition{}, func(r coverageRow) error {
		r.Except = except[[2]string{r.Source, r.Group}]
		found = append(found, r.Coverage)
		return nil
	})
	slices.SortFunc(found, func(a, b Coverage) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Group, b.Group))
	})
	return found, err
}
