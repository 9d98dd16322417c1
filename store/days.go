package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// dayMicros is a day in the store's unit of time.
const dayMicros = int64(24 * time.Hour / time.Microsecond)

// maxLacking is how many days of a window may be without an observation: one in
// maxLacking.
const maxLacking = 10

// dayRow is the observation of a day.
type dayRow struct {
	source, fact, day, service int64
	num                        float64
}

func (r *dayRow) table() table {
	return table{
		name: "fact_days",
		key: columns{
			{"source_id", &r.source}, {"fact_id", &r.fact}, {"day", &r.day}, {"service_id", &r.service},
		},
		data: columns{{"num", &r.num}},
	}
}

// days is what is stored of one service's daily observations.
type days struct {
	// first is the oldest day stored; sum and count are of those in the window.
	first, count int64
	sum          float64
}

// average keeps the observations of a fact by day and puts the mean over its
// window in their place, or says that the store is younger than the question. A
// round that brings nothing new to the day reads that day alone, and writes
// nothing.
func (c *commit) average(
	ctx context.Context, fact int64, def evidence.Definition, in map[string]observed,
	ids map[string]int64, existing map[int64]*current,
) error {
	byDay := map[int64][]string{}
	for service, o := range in {
		if o.withdrawn == "" {
			byDay[o.seen/dayMicros] = append(byDay[o.seen/dayMicros], service)
		}
	}
	for day, services := range byDay {
		slices.Sort(services)
		if err := c.averageDay(ctx, fact, day, def, services, in, ids, existing); err != nil {
			return err
		}
	}
	return nil
}

func (c *commit) averageDay(
	ctx context.Context, fact, day int64, def evidence.Definition, services []string, in map[string]observed,
	ids map[string]int64, existing map[int64]*current,
) error {
	kept, err := c.dayKept(ctx, fact, day)
	if err != nil {
		return err
	}
	window := int64(def.Window / (24 * time.Hour))
	var rows []dayRow
	var changed []string
	for _, service := range services {
		o, old := in[service], existing[ids[service]]
		if num, ok := kept[ids[service]]; ok && num == o.value.Number() && old != nil &&
			(old.withdrawn == "" || old.withdrawn == evidence.MissingShortMemory) {
			o.value, o.withdrawn, o.detail = old.value, old.withdrawn, old.detail
			in[service] = o
			continue
		}
		changed = append(changed, service)
		rows = append(rows, dayRow{c.source, fact, day, ids[service], o.value.Number()})
	}
	if len(changed) == 0 {
		return nil
	}
	if err := put(ctx, c.tx, rows...); err != nil {
		return err
	}
	if len(kept) == 0 { // the first of a day clears away what no window reaches
		if err := c.exec(ctx, `DELETE FROM fact_days WHERE source_id = $1 AND fact_id = $2 AND day <= $3`,
			c.source, fact, day-window-window/maxLacking-1); err != nil {
			return err
		}
	}
	found, err := c.daysKept(ctx, fact, day-window, day)
	if err != nil {
		return err
	}
	for _, service := range changed {
		o, d := in[service], found[ids[service]]
		if d.first > day-window+1 || d.count < window-window/maxLacking {
			in[service] = observed{withdrawn: evidence.MissingShortMemory, seen: o.seen}
			continue
		}
		mean, ok := def.Observe(d.sum/float64(d.count), time.UnixMicro(o.seen))
		if !ok {
			in[service] = observed{withdrawn: evidence.MissingNaN, seen: o.seen}
			continue
		}
		o.value, o.detail = mean, text(evidence.Clean(fmt.Sprintf("mean of %d daily observations in %d days, the newest: "+
			"%s", d.count, window, o.detail), 500))
		in[service] = o
	}
	return nil
}

// dayKept are the observations of one day by service.
func (c *commit) dayKept(ctx context.Context, fact, day int64) (map[int64]float64, error) {
	kept := map[int64]float64{}
	return kept, read(ctx, c, `WHERE source_id = $1 AND fact_id = $2 AND day = $3`, []any{c.source, fact, day},
		func(r dayRow) error {
			kept[r.service] = r.num
			return nil
		})
}

// daysKept sums up the days after one and up to another by service.
func (c *commit) daysKept(ctx context.Context, fact, after, last int64) (map[int64]days, error) {
	found := map[int64]days{}
	return found, each(ctx, c,
		`SELECT service_id, MIN(day), COUNT(CASE WHEN day > $3 THEN 1 END), SUM(CASE WHEN day > $3 THEN num ELSE 0 END)
		FROM fact_days WHERE source_id = $1 AND fact_id = $2 AND day <= $4 GROUP BY service_id`,
		[]any{c.source, fact, after, last}, func(rows *sql.Rows) error {
			var service int64
			var d days
			err := rows.Scan(&service, &d.first, &d.count, &d.sum)
			found[service] = d
			return err
		})
}
