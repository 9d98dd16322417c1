package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// exceptionKey is a service that its source could not answer for, by fact.
type exceptionKey struct {
	fact    string
	service int64
}

// coverageRow is the newest complete answer of a group of facts.
type coverageRow struct {
	source, run, seq int64
	group            string
	facts            []string
	observed         int64
	dated            bool
}

func (r *coverageRow) table() table {
	return table{
		name: "coverage",
		key:  columns{{"source_id", &r.source}, {"fact_group", &r.group}},
		data: columns{
			{"facts", asJSON(&r.facts)}, {"observed_at", &r.observed}, {"dated", &r.dated},
			{"run_id", &r.run}, {"seq", &r.seq},
		},
	}
}

// exceptionRow is a service that is excepted from a group.
type exceptionRow struct {
	source, service int64
	group           string
	reason          evidence.Missing
}

func (r *exceptionRow) table() table {
	return table{
		name: "coverage_exceptions",
		key:  columns{{"source_id", &r.source}, {"fact_group", &r.group}, {"service_id", &r.service}},
		data: columns{{"reason", &r.reason}},
	}
}

// exceptions reads which services are excepted, for the facts of their groups.
func (c *commit) exceptions(ctx context.Context) (map[exceptionKey]bool, error) {
	groups, err := c.covered(ctx)
	if err != nil {
		return nil, err
	}
	excepted := map[exceptionKey]bool{}
	err = read(ctx, c, `WHERE source_id = $1`, []any{c.source}, func(r exceptionRow) error {
		for _, fact := range groups[r.group].facts {
			excepted[exceptionKey{fact, r.service}] = true
		}
		return nil
	})
	return excepted, err
}

// covered reads the coverage of the source before this batch.
func (c *commit) covered(ctx context.Context) (map[string]coverageRow, error) {
	groups := map[string]coverageRow{}
	return groups, read(ctx, c, `WHERE source_id = $1`, []any{c.source}, func(r coverageRow) error {
		groups[r.group] = r
		return nil
	})
}

// coverage notes that groups are complete. A steady round writes one row per
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
	name := text(g.Group)
	facts := make([]string, 0, len(g.Facts))
	for _, fact := range g.Facts {
		facts = append(facts, text(fact))
	}
	slices.Sort(facts)
	facts = slices.Compact(facts)
	at := g.At
	if at.IsZero() {
		at = c.at
	}
	factIDs, err := c.intern(ctx, factNames, facts)
	if err != nil {
		return err
	}
	except, err := c.exceptIDs(ctx, g.Except)
	if err != nil {
		return err
	}
	old, err := c.oldExceptions(ctx, name)
	if err != nil {
		return err
	}

	var begun, ended []int64
	var changed []exceptionRow
	for id, reason := range except {
		was, known := old[id]
		if !known {
			begun = append(begun, id)
		}
		if was != reason {
			changed = append(changed, exceptionRow{c.source, id, name, reason})
		}
	}
	for id := range old {
		if _, still := except[id]; !still {
			ended = append(ended, id)
		}
	}
	hold, free := begun, ended
	if !slices.Equal(before[name].facts, facts) {
		// Facts have joined or left the group: whatever was held for another
		// reason than the present exceptions is settled anew.
		if hold, free, err = c.regroup(ctx, factIDs, except); err != nil {
			return err
		}
	}
	if err := c.hold(ctx, factIDs, hold, before); err != nil {
		return err
	}
	if err := c.free(ctx, factIDs, free); err != nil {
		return err
	}
	err = execIn(ctx, c.tx, `DELETE FROM coverage_exceptions WHERE source_id = $1 AND fact_group = $2 AND service_id IN`,
		[]any{c.source, name}, ended)
	if err != nil {
		return err
	}
	if err := put(ctx, c.tx, changed...); err != nil {
		return err
	}
	before[name] = coverageRow{source: c.source, run: int64(c.run), seq: c.seq, group: name, facts: facts,
		observed: micros(at), dated: g.Dated}
	return put(ctx, c.tx, before[name])
}

// exceptIDs resolves the names of excepted services.
func (c *commit) exceptIDs(
	ctx context.Context, except map[string]evidence.Missing,
) (map[int64]evidence.Missing, error) {
	names := make([]string, 0, len(except))
	for service := range except {
		names = append(names, text(service))
	}
	slices.Sort(names)
	ids, err := c.intern(ctx, serviceNames, names)
	if err != nil {
		return nil, err
	}
	reasons := make(map[int64]evidence.Missing, len(except))
	for service, reason := range except {
		reasons[ids[text(service)]] = evidence.Missing(text(string(reason)))
	}
	return reasons, nil
}

func (c *commit) oldExceptions(ctx context.Context, group string) (map[int64]evidence.Missing, error) {
	old := map[int64]evidence.Missing{}
	return old, read(ctx, c, `WHERE source_id = $1 AND fact_group = $2`, []any{c.source, group},
		func(r exceptionRow) error {
			old[r.service] = r.reason
			return nil
		})
}

// regroup finds which services to hold and to free when a group's facts have
// changed: all that are excepted, and all that are held without being so.
func (c *commit) regroup(
	ctx context.Context, facts map[string]int64, except map[int64]evidence.Missing,
) (hold, free []int64, err error) {
	for id := range except {
		hold = append(hold, id)
	}
	err = chunks(values(facts), func(part []int64) error {
		return each(ctx, c, `SELECT DISTINCT service_id FROM fact_values WHERE source_id = $1 AND held_at IS NOT NULL
			AND fact_id IN (`+
			placeholders(2, len(part))+`)`, with([]any{c.source}, part), func(rows *sql.Rows) error {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			if _, excepted := except[id]; !excepted {
				free = append(free, id)
			}
			return nil
		})
	})
	return hold, free, err
}

// hold fixes the observed-at of the rows of services that are no longer
// covered at what it was.
func (c *commit) hold(
	ctx context.Context, facts map[string]int64, services []int64, before map[string]coverageRow,
) error {
	if len(services) == 0 {
		return nil
	}
	observedAt := map[string]int64{}
	for _, g := range before {
		for _, fact := range g.facts {
			observedAt[fact] = max(observedAt[fact], g.observed)
		}
	}
	byTime := map[int64][]int64{}
	for fact, id := range facts {
		at := observedAt[fact]
		byTime[at] = append(byTime[at], id)
	}
	for at, ids := range byTime {
		err := c.eachCell(ids, services, func(factPart, servicePart []int64) error {
			return c.exec(ctx, `UPDATE fact_values SET seq = $1,
				held_at = CASE WHEN seen_at > CAST($2 AS BIGINT) THEN seen_at ELSE CAST($2 AS BIGINT) END
				WHERE source_id = $3 AND held_at IS NULL AND fact_id IN (`+placeholders(4, len(factPart))+`)
				AND service_id IN (`+placeholders(4+len(factPart), len(servicePart))+`)`,
				with(with([]any{c.seq, at, c.source}, factPart), servicePart)...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// free lets the rows of services that are covered again age with their group.
func (c *commit) free(ctx context.Context, facts map[string]int64, services []int64) error {
	return c.eachCell(values(facts), services, func(factPart, servicePart []int64) error {
		return c.exec(ctx, `UPDATE fact_values SET seq = $1, held_at = NULL
			WHERE source_id = $2 AND held_at IS NOT NULL AND fact_id IN (`+placeholders(3, len(factPart))+`)
			AND service_id IN (`+placeholders(3+len(factPart), len(servicePart))+`)`,
			with(with([]any{c.seq, c.source}, factPart), servicePart)...)
	})
}

// eachCell calls fn with parts of both lists, every pair of parts once.
func (c *commit) eachCell(facts, services []int64, fn func(facts, services []int64) error) error {
	return chunks(facts, func(factPart []int64) error {
		return chunks(services, func(servicePart []int64) error { return fn(factPart, servicePart) })
	})
}

func values(m map[string]int64) []int64 {
	list := make([]int64, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}

// loadCoverage reads the coverage of all sources, ordered by source and group.
func (s *Store) loadCoverage(ctx context.Context, t *sql.Tx) ([]Coverage, error) {
	type groupKey struct {
		source int64
		group  string
	}
	except := map[groupKey]map[string]evidence.Missing{}
	err := read(ctx, t, ``, nil, func(r exceptionRow) error {
		name, err := s.names.name(serviceNames, r.service)
		k := groupKey{r.source, r.group}
		if except[k] == nil {
			except[k] = map[string]evidence.Missing{}
		}
		except[k][name] = r.reason
		return err
	})
	if err != nil {
		return nil, err
	}
	var found []Coverage
	err = read(ctx, t, ``, nil, func(r coverageRow) (err error) {
		var c Coverage
		c.Group, c.Facts, c.At, c.Dated = r.group, r.facts, instant(r.observed), r.dated
		c.Except = except[groupKey{r.source, r.group}]
		c.Source, err = s.names.name(sourceNames, r.source)
		found = append(found, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b Coverage) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Group, b.Group))
	})
	return found, nil
}
