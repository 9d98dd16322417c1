package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	changesEvery  = 30 * time.Minute
	changesSpan   = 90 * day
	changesWindow = 31 * day
	// lateChanges is the time before the last listing that is listed again, because
	// senders set the time of a change event and may send it later.
	lateChanges = time.Hour
	// changeEffect is the time after a change in which an incident counts as its
	// effect.
	changeEffect = day
	// minChanges is the number of changes below which the share of failed ones is
	// unknown.
	minChanges = 10
)

type changeRecord struct {
	ID        string      `json:"id"`
	Timestamp instant     `json:"timestamp"`
	Services  []reference `json:"services"`
}

func (c *changeRecord) check() error {
	return cmp.Or(lacks("id", c.ID), wrong(c.Timestamp.IsZero(), "no timestamp"))
}

// changeMemory are the change events that have been read, and the time up to which
// they are complete. An interrupted listing continues from there.
type changeMemory struct {
	byID map[string]*changeRecord
	// undecodable are the events that could not be read, by id, or by their text where
	// that cannot be read either.
	undecodable map[string]undecodableChange
	read        time.Time
}

// undecodableChange is what is known of a change event that could not be read.
type undecodableChange struct {
	// at is its time, or the latest time that it may have.
	at time.Time
	of undecodable
}

// addUndecodable notes an event that could not be read, which is not after until.
func (m *changeMemory) addUndecodable(id string, raw json.RawMessage, until time.Time) {
	found := undecodableChange{at: timeOf(raw, "timestamp", until)}
	found.of.add(id, raw)
	m.undecodable[cmp.Or(id, string(raw))] = found
}

// unknownChanges says why facts about the changes of a service within the last time are
// not known: one of them, or of any service, could not be read.
func unknownChanges(within time.Duration) func(*round, *serviceRecord) evidence.Missing {
	return func(r *round, s *serviceRecord) (why evidence.Missing) {
		for _, c := range r.memory.changes.undecodable {
			if !c.at.Before(r.now.Add(-within)) {
				why = cmp.Or(why, c.of.about(s, false))
			}
		}
		return why
	}
}

// changesListing declares the list of change events. A round asks for those since
// the last one.
func changesListing() listing {
	return listing{
		path: "change_events", scope: "change_events.read", records: "change events", every: changesEvery,
		queries: func(r *round) []url.Values {
			var queries []url.Values
			for _, w := range r.changeWindows() {
				queries = append(queries, w.query())
			}
			return queries
		},
		collect: []step{(*round).listChanges},
		groups: []group{
			{name: groupChanges, facts: []fact{changeEvents30d()}, unknown: unknownChanges(30 * day)},
			{
				name: groupChangeFailure, also: []string{"incidents", "log_entries"},
				common: aboutIncidents(), facts: []fact{changeFailureRatio90d()},
				unknown: func(r *round, s *serviceRecord) evidence.Missing {
					return cmp.Or(r.incidentsUnknown(s), unknownChanges(changesSpan)(r, s))
				},
			},
		},
	}
}

// listChanges lists the change events since the last time and observes the
// facts about changes.
func (r *round) listChanges(ctx context.Context) error {
	if r.services == nil || !r.due("change_events", changesEvery) {
		return nil
	}
	m := &r.memory.changes
	now := r.now.Truncate(time.Second)
	oldest := now.Add(-changesSpan)
	rest, err := walk("change_events", r.changeWindows(), func(w window, at func(time.Time)) (bool, error) {
		return r.api.list(ctx, "change_events", "", w.query(), func(records []json.RawMessage) error {
			for _, raw := range records {
				c := decodeOr[changeRecord](r, "change_event", raw, func(id string, raw json.RawMessage) {
					m.addUndecodable(id, raw, w.end)
				})
				if c != nil {
					at(c.Timestamp.Time)
					m.byID[c.ID] = c
					delete(m.undecodable, c.ID)
				}
			}
			return nil
		})
	})
	if err != nil {
		m.read = rest[0].start
		return err
	}
	m.read = now
	maps.DeleteFunc(m.byID, func(_ string, c *changeRecord) bool { return c.Timestamp.Before(oldest) })
	maps.DeleteFunc(m.undecodable, func(_ string, c undecodableChange) bool { return c.at.Before(oldest) })
	if err := r.observe(groupChanges); err != nil {
		return err
	}
	if r.incidents == nil || !r.followed {
		return nil // listed again in the next round, when incidents may be known
	}
	return r.done("change_events", r.observe(groupChangeFailure))
}

// changeWindows are the windows whose change events have not been read.
func (r *round) changeWindows() []window {
	now := r.now.Truncate(time.Second)
	start := latest(r.memory.changes.read.Add(-lateChanges), now.Add(-changesSpan))
	return windows(window{start, now.Add(time.Second)}, changesWindow)
}

func changeEvents30d() fact {
	const window = 30 * day
	return together(evidence.Definition{
		Name: "pagerduty.change_events_30d", Kind: evidence.KindInt, Window: window,
		Help:   "Change events of the last 30 days in GET /change_events that name the service.",
		Absent: "0 when a complete listing has none",
	}, func(r *round, all []*serviceRecord) answer {
		n := 0
		for _, c := range r.memory.changes.byID {
			if !c.Timestamp.Before(r.now.Add(-window)) && !c.Timestamp.After(r.now) && namesAny(c.Services, all) {
				n++
			}
		}
		return count(n, "change events")
	})
}

func changeFailureRatio90d() fact {
	return together(evidence.Definition{
		Name: "pagerduty.change_failure_ratio_90d", Kind: evidence.KindDouble, Unit: "ratio", Merge: evidence.MergeMax,
		Help: "Share of the service's change events of the last 90 days, GET /change_events, that an incident of high " +
			"urgency of the same service followed within 24 hours, noisy and flapping ones not counted; changes of the " +
			"last 24 hours are not counted yet.",
		Absent: fmt.Sprintf("unknown under %d change events", minChanges),
	}, func(r *round, all []*serviceRecord) answer {
		changes, failed := 0, 0
		for _, c := range r.memory.changes.byID {
			if c.Timestamp.After(r.now.Add(-changeEffect)) || !namesAny(c.Services, all) {
				continue
			}
			changes++
			if r.followedByIncident(c, all) {
				failed++
			}
		}
		return share(failed, changes, minChanges, "incidents followed %d of %d change events")
	})
}

// followedByIncident reports whether an incident of one of the services that the
// change names followed it. Noise does not count.
func (r *round) followedByIncident(c *changeRecord, all []*serviceRecord) bool {
	for _, s := range all {
		if !namesAny(c.Services, []*serviceRecord{s}) {
			continue
		}
		effect := func(k *trackedIncident) bool {
			after := k.StartedAt.Sub(c.Timestamp.Time)
			return k.Urgent && !r.incidents.noise[k.ID] && after >= 0 && after <= changeEffect
		}
		if slices.ContainsFunc(r.incidents.byService[s.ID], effect) {
			return true
		}
	}
	return false
}
