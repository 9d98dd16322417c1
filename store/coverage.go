package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	"github.com/prodready/collector/evidence"
)

// exceptionKey is a service that its source could not answer for, by fact.
type exceptionKey struct {
	fact    string
	service int64
}

// coverageRow is one row of coverage.
type coverageRow struct {
	facts    []string
	observed int64
}

// exceptions reads which services are excepted, for the facts of their groups.
func (c *commit) exceptions(ctx context.Context) (map[exceptionKey]bool, error) {
	groups, err := c.covered(ctx)
	if err != nil {
		return nil, err
	}
	excepted := map[exceptionKey]bool{}
	err = each(ctx, c, `SELECT fact_group, service_id FROM coverage_exceptions WHERE source_id = $1`, []any{c.source}, func(rows *sql.Rows) error {
		var group string
		var service int64
		if err := rows.Scan(&group, &service); err != nil {
			return err
		}
		for _, fact := range groups[group].facts {
			excepted[exceptionKey{fact, service}] = true
		}
		return nil
	})
	return excepted, err
}

// covered reads the coverage of the source before this batch.
func (c *commit) covered(ctx context.Context) (map[string]coverageRow, error) {
	groups := map[string]coverageRow{}
	err := each(ctx, c, `SELECT fact_group, facts, observed_at FROM coverage WHERE source_id = $1`, []any{c.source}, func(rows *sql.Rows) error {
		var group, facts string
		var row coverageRow
		if err := rows.Scan(&group, &facts, &row.observed); err != nil {
			return err
		}
		groups[group] = row
		if err := json.Unmarshal([]byte(facts), &row.facts); err != nil {
			return fmt.Errorf("facts of group %s: %w", group, err)
		}
		groups[group] = row
		return nil
	})
	return groups, err
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
	var changed [][]any
	for id, reason := range except {
		was, known := old[id]
		if !known {
			begun = append(begun, id)
		}
		if was != reason {
			changed = append(changed, []any{c.source, name, id, reason})
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
	if err := chunks(ended, func(part []int64) error {
		return c.exec(ctx, `DELETE FROM coverage_exceptions WHERE source_id = $1 AND fact_group = $2 AND service_id IN (`+
			placeholders(3, len(part))+`)`, with([]any{c.source, name}, part)...)
	}); err != nil {
		return err
	}
	err = c.insert(ctx, `INSERT INTO coverage_exceptions (source_id, fact_group, service_id, reason)`,
		`ON CONFLICT (source_id, fact_group, service_id) DO UPDATE SET reason = excluded.reason`, changed)
	if err != nil {
		return err
	}
	list, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	before[name] = coverageRow{facts: facts, observed: micros(at)}
	return c.insert(ctx, `INSERT INTO coverage (source_id, fact_group, facts, observed_at, run_id, seq)`,
		`ON CONFLICT (source_id, fact_group) DO UPDATE SET facts = excluded.facts, observed_at = excluded.observed_at,
		run_id = excluded.run_id, seq = excluded.seq`,
		[][]any{{c.source, name, string(list), micros(at), int64(c.run), c.seq}})
}

// exceptIDs resolves the names of excepted services.
func (c *commit) exceptIDs(ctx context.Context, except map[string]evidence.Missing) (map[int64]string, error) {
	names := make([]string, 0, len(except))
	for service := range except {
		names = append(names, text(service))
	}
	sort.Strings(names)
	ids, err := c.intern(ctx, serviceNames, names)
	if err != nil {
		return nil, err
	}
	reasons := make(map[int64]string, len(except))
	for service, reason := range except {
		reasons[ids[text(service)]] = text(string(reason))
	}
	return reasons, nil
}

func (c *commit) oldExceptions(ctx context.Context, group string) (map[int64]string, error) {
	old := map[int64]string{}
	err := each(ctx, c, `SELECT service_id, reason FROM coverage_exceptions WHERE source_id = $1 AND fact_group = $2`,
		[]any{c.source, group}, func(rows *sql.Rows) error {
			var id int64
			var reason string
			if err := rows.Scan(&id, &reason); err != nil {
				return err
			}
			old[id] = reason
			return nil
		})
	return old, err
}

// regroup finds which services to hold and to free when a group's facts have
// changed: all that are excepted, and all that are held without being so.
func (c *commit) regroup(ctx context.Context, facts map[string]int64, except map[int64]string) (hold, free []int64, err error) {
	for id := range except {
		hold = append(hold, id)
	}
	err = chunks(values(facts), func(part []int64) error {
		return each(ctx, c, `SELECT DISTINCT service_id FROM fact_values WHERE source_id = $1 AND held_at IS NOT NULL AND fact_id IN (`+
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
func (c *commit) hold(ctx context.Context, facts map[string]int64, services []int64, before map[string]coverageRow) error {
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
	type key struct {
		source int64
		group  string
	}
	except := map[key]map[string]evidence.Missing{}
	err := each(ctx, t, `SELECT source_id, fact_group, service_id, reason FROM coverage_exceptions`, nil, func(rows *sql.Rows) error {
		var k key
		var service int64
		var reason evidence.Missing
		if err := rows.Scan(&k.source, &k.group, &service, &reason); err != nil {
			return err
		}
		name, err := s.names.name(serviceNames, service)
		if except[k] == nil {
			except[k] = map[string]evidence.Missing{}
		}
		except[k][name] = reason
		return err
	})
	if err != nil {
		return nil, err
	}
	var found []Coverage
	err = each(ctx, t, `SELECT source_id, fact_group, facts, observed_at FROM coverage`, nil, func(rows *sql.Rows) error {
		var k key
		var facts string
		var at int64
		var c Coverage
		if err := rows.Scan(&k.source, &k.group, &facts, &at); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(facts), &c.Facts); err != nil {
			return fmt.Errorf("facts of group %s: %w", k.group, err)
		}
		c.Group, c.At, c.Except = k.group, instant(at), except[k]
		var err error
		c.Source, err = s.names.name(sourceNames, k.source)
		found = append(found, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].Source != found[j].Source {
			return found[i].Source < found[j].Source
		}
		return found[i].Group < found[j].Group
	})
	return found, nil
}
