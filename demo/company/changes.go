package company

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"time"
)

// Change is one deployment to production.
type Change struct {
	ID, Service, Summary string
	At                   time.Time
	// Announced changes sent a change event to PagerDuty.
	Announced bool
}

// changes makes the deployments: more of better services, and in the last three
// months as many of them before an incident as cicd.change-failure allows.
func (b *builder) changes(s *Service) {
	d := b.dice("changes", s.Name)
	perMonth := d.around(6*math.Pow(1.35, float64(s.Goal)), 0.2)
	l := b.life[s.Name]
	var urgent []time.Time
	for _, in := range l.incidents {
		if in.Urgent && !in.Worthless() {
			urgent = append(urgent, in.Start)
		}
	}
	var times []time.Time
	for range d.count(perMonth * float64(History-95*day) / float64(30*day)) {
		times = append(times, b.ago(d.days(95, 365)))
	}
	recent := max(15, d.count(perMonth*95/30))
	failing := recent / 20
	if !s.Does("cicd.change-failure") {
		failing = max(recent*2/5, 6)
	}
	var bad []time.Time
	for _, at := range urgent {
		if b.Now.Sub(at) < 85*day {
			bad = append(bad, at)
		}
	}
	for n := range recent {
		if n < failing && len(bad) > 0 {
			times = append(times, pick(d, bad).Add(-d.between(30*time.Minute, 9*time.Hour)))
			continue
		}
		if at, ok := b.calm(d, urgent); ok {
			times = append(times, at)
		}
	}
	for range 2 {
		// One deployment in the last weeks, whatever happened.
		if at, ok := b.calm(d, nil); ok {
			times = append(times, later(at, b.ago(d.days(2, 20))))
		}
	}
	sort.Slice(times, func(i, j int) bool { return times[i].Before(times[j]) })
	build := 100 + d.IntN(900)
	for i, at := range times {
		build += 1 + d.IntN(4)
		b.Changes = append(b.Changes, &Change{
			ID: identifier(b.Seed, "C", "change", s.Name, strconv.Itoa(i)), Service: s.Name,
			Summary: fmt.Sprintf("Deployed %s build %d", s.Name, build), At: at, Announced: s.Does("cicd.changes-announced"),
		})
	}
}

// calm is a time of the last three months that no real incident followed
// within a day; ok is false when there is hardly any.
func (b *builder) calm(d *dice, urgent []time.Time) (at time.Time, ok bool) {
	for range 40 {
		at, ok = b.ago(d.days(1.2, 95)), true
		for _, incident := range urgent {
			if after := incident.Sub(at); after > -time.Minute && after < 25*time.Hour {
				ok = false
				break
			}
		}
		if ok {
			return at, true
		}
	}
	return time.Time{}, false
}
