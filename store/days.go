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

// dayRow is the observation of a day, counted from the Unix epoch.
type dayRow struct {
	source, fact, service string
	day                   int64
	num                   float64
}

func (r *dayRow) table() table {
	return table{
		name: "fact_days",
		key: columns{
			{"source_id", sourceID(&r.source)}, {"fact_id", factID(&r.fact)}, {"day", &r.day},
			{"service_id", serviceID(&r.service)},
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
// window in their place, or says that the store is younger than the window. A
// round that brings nothing new to the day reads that day alone, and writes
// nothing.
func (c *commit) average(
	ctx context.Context, fact string, def evidence.Definition, in map[string]observed, existing map[string]*current,
) error {
	byDay := map[int64][]string{}
	for service, o := range in {
		if o.withdrawn == "" {
			byDay[o.seen/dayMicros] = append(byDay[o.seen/dayMicros], service)
		}
	}
	for day, services := range byDay {
		slices.Sort(services)
		if err := c.averageDay(ctx, fact, day, def, services, in, existing); err != nil {
			return err
		}
	}
	return nil
}

func (c *commit) averageDay(
	ctx context.Context, fact string, day int64, def evidence.Definition, services []string,
	in map[string]observed, existing map[string]*current,
) error {
	kept := map[string]float64{}
	ofFact := c.ofSource().and(`fact_id = ?`, nameIn{factNames, fact})
	ofDay := c.ofServices(ofFact.and(`day = ?`, day), services)
	err := read(ctx, c, ofDay, func(r dayRow) error {
		kept[r.service] = r.num
		return nil
	})
	if err != nil {
		return err
	}
	window := int64(def.Window / (24 * time.Hour))
	var rows []dayRow
	for _, service := range services {
		o, old := in[service], existing[service]
		if num, ok := kept[service]; ok && num == o.value.Number() && old != nil &&
			(old.withdrawn == "" || old.withdrawn == evidence.MissingShortMemory) {
			o.value, o.withdrawn, o.detail = old.value, old.withdrawn, old.detail
			in[service] = o
			continue
		}
		rows = append(rows, dayRow{c.source, fact, service, day, o.value.Number()})
	}
	if len(rows) == 0 {
		return nil
	}
	if err := put(ctx, c.tx, rows...); err != nil {
		return err
	}
	if len(kept) == 0 { // the first of a day delete what no window reaches
		tooOld := ofFact.and(`day <= ?`, day-window-window/maxLacking-1)
		if err := c.execWhere(ctx, `DELETE FROM fact_days`, nil, tooOld); err != nil {
			return err
		}
	}
	found, err := c.sumWindow(ctx, ofFact, day-window, day)
	if err != nil {
		return err
	}
	for _, r := range rows {
		in[r.service] = meanOf(found[r.service], in[r.service], def, day)
	}
	return nil
}

// meanOf puts the mean of the days of a window, the last of which is day, in the
// place of an observation.
func meanOf(d days, o observed, def evidence.Definition, day int64) observed {
	window := int64(def.Window / (24 * time.Hour))
	if d.first > day-window+1 || d.count < window-window/maxLacking {
		return observed{withdrawn: evidence.MissingShortMemory, seen: o.seen}
	}
	mean, ok := def.Observe(d.sum/float64(d.count), time.UnixMicro(o.seen))
	if !ok {
		return observed{withdrawn: evidence.MissingNaN, seen: o.seen}
	}
	o.value, o.detail = mean, text(evidence.Clean(fmt.Sprintf(
		"mean of %d daily observations in %d days, the newest: %s", d.count, window, o.detail), 500))
	return o
}

// sumWindow is sumDays, if the observations go back to the first of these days. Else every
// service lacks days, and no sum is needed.
func (c *commit) sumWindow(ctx context.Context, ofFact condition, after, last int64) (map[string]days, error) {
	first, err := number(ctx, c, `SELECT MIN(day) FROM fact_days WHERE `+ofFact.sql, ofFact.args...)
	if err != nil || first > after+1 {
		return nil, err
	}
	return c.sumDays(ctx, ofFact, after, last)
}

// sumDays sums up the days after one and up to another by service.
func (c *commit) sumDays(ctx context.Context, ofFact condition, after, last int64) (map[string]days, error) {
	found := map[string]days{}
	return found, each(ctx, c,
		`SELECT service_id, MIN(day), COUNT(CASE WHEN day > ? THEN 1 END), SUM(CASE WHEN day > ? THEN num ELSE 0 END)
		FROM fact_days WHERE `+ofFact.sql+` AND day <= ? GROUP BY service_id`,
		slices.Concat([]any{after, after}, ofFact.args, []any{last}), func(rows *sql.Rows) error {
			var service string
			var d days
			if err := rows.Scan(serviceID(&service).scanner(&c.view), &d.first, &d.count, &d.sum); err != nil {
				return err
			}
			found[service] = d
			return nil
		})
}
