package jira

import (
	"slices"
	"time"
)

// moment is a time in the life of an issue, with the change of the changelog that
// it comes from; the change is empty for a time that comes from a field.
type moment struct {
	at time.Time
	by change
}

// first is when the issue first came to the moment; zero when it never did.
func (r *round) first(i *issue, m Moment) (moment, error) {
	if at, err := i.time(m.Field); err != nil || !at.IsZero() {
		return moment{at: at}, err
	}
	if c, ok := r.entered(i, m.Statuses); ok {
		return moment{c.at, c}, nil
	}
	if m.Label == "" {
		return moment{}, nil
	}
	carried := i.has(m.Label)
	for _, c := range i.changes {
		if c.field != "labels" {
			continue
		}
		if holds(c.from, m.Label) {
			return moment{at: i.created}, nil // it was there from the beginning
		}
		if c.labels(m.Label) {
			return moment{c.at, c}, nil
		}
		carried = false
	}
	if carried {
		return moment{at: i.created}, nil
	}
	return moment{}, nil
}

// entered is the change by which the issue first came into one of the statuses.
func (r *round) entered(i *issue, statuses []string) (change, bool) {
	if len(statuses) == 0 {
		return change{}, false
	}
	unchanged := true
	for _, c := range i.changes {
		if c.field != "status" {
			continue
		}
		if unchanged && r.isOne(statuses, c.from, c.fromName) {
			return change{at: i.created}, true
		}
		unchanged = false
		if r.isOne(statuses, c.to, c.toName) {
			return c, true
		}
	}
	return change{at: i.created}, unchanged && r.isOne(statuses, i.status, i.statusName)
}

// ended is when the issue ended: by the moment, or else by the change to a done
// status. It is zero while the issue is open.
func (r *round) ended(i *issue, m Moment) (moment, error) {
	if at, err := i.time(m.Field); err != nil || !at.IsZero() {
		return moment{at: at}, err
	}
	if len(m.Statuses) > 0 {
		over := func(status, name string) bool {
			return r.isOne(m.Statuses, status, name) || r.categories[status] == categoryDone
		}
		if over(i.status, i.statusName) {
			c, _ := i.stays(over)
			return moment{c.at, c}, nil
		}
	}
	if m.Label != "" && i.has(m.Label) {
		return r.first(i, Moment{Label: m.Label})
	}
	if c, ok := r.finished(i); ok {
		return moment{c.at, c}, nil
	}
	return moment{}, nil
}

// isOne reports whether a status, by its id and the name it had, is one of those
// named in the configuration. Names are those of today, so that a renamed status
// is found by its id.
func (r *round) isOne(statuses []string, id, name string) bool {
	return slices.ContainsFunc(statuses, func(s string) bool {
		s = fold(s)
		return id != "" && (s == id || slices.Contains(r.statusIDs[s], id)) || name != "" && s == fold(name)
	})
}

// checkStatuses logs statuses of the configuration that the site does not have.
func (r *round) checkStatuses() {
	for _, m := range r.incidents.moments() {
		for _, s := range m.Statuses {
			_, isID := r.categories[s]
			id := "status " + s
			if len(r.statusIDs[fold(s)]) > 0 || isID || r.logging[id] {
				continue
			}
			if !r.logged[id] {
				r.log.Warn("the site has no such status now; incidents that never had it have no such time", "status", clean(s))
			}
			r.logging[id] = true
		}
	}
}
