package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"time"
	_ "time/tzdata" // images without a zone database judge nights too

	"github.com/prodready/collector/evidence"
)

const (
	interruptionsEvery = 30 * time.Minute
	usersEvery         = day
	interruptionsSpan  = 30 * day
	// Night is from nightStart to nightEnd, in hours of the responder's day.
	nightStart, nightEnd = 22, 8
)

type userRecord struct {
	ID       string `json:"id"`
	TimeZone string `json:"time_zone"`
}

func (u *userRecord) check() error { return lacks("id", u.ID) }

// notice is a notification of a user about an incident.
type notice struct {
	at             time.Time
	incident, user string
}

// interruptions are those of sleep by escalation policy.
type interruptions struct {
	count map[string]int
	// bad are the policies that a person was notified of whose time zone is not
	// known.
	bad map[string]bool
}

// notice takes an entry about a notification into memory.
func (r *round) notice(e *logEntryRecord) {
	if e.User.ID != "" && !e.CreatedAt.Before(r.noticesStart()) {
		r.memory.notices[e.ID] = notice{at: e.CreatedAt.Time, incident: e.incident(), user: e.User.ID}
	}
}

// noticesStart is since when notifications count.
func (r *round) noticesStart() time.Time { return r.now.Truncate(time.Second).Add(-interruptionsSpan) }

// interruptionsListing declares the log of notifications that a new process has
// not read yet: it goes back in the log as far as notifications count.
func interruptionsListing() listing {
	return listing{
		path: "log_entries", name: listingInterruptions, scope: "incidents.read",
		records: entriesOfWindows(), every: interruptionsEvery,
		queries: func(r *round) []url.Values {
			m := r.memory.incidents
			if m.followed.IsZero() || !m.noticesFrom.After(r.noticesStart()) {
				return nil
			}
			return []url.Values{window{r.noticesStart(), m.noticesFrom}.query()}
		},
		collect: []step{(*round).countInterruptions},
		groups: []group{{
			name: groupSleep, also: []string{"users", "incidents"}, common: aboutIncidents(),
			facts: []fact{sleepInterruptions30d()},
			unknown: func(r *round, s *serviceRecord) evidence.Missing {
				if r.sleep.bad[s.policyID()] {
					return evidence.MissingPartial
				}
				return r.pagesUnknown(s)
			},
		}},
	}
}

const listingInterruptions = "interruptions"

// readyForInterruptions reports whether this round has what interruptions are
// counted from, time zones apart.
func readyForInterruptions(r *round) bool {
	return r.services != nil && r.incidents != nil && r.followed && r.due(listingInterruptions, interruptionsEvery)
}

// countInterruptions observes the facts of the sleep group.
func (r *round) countInterruptions(ctx context.Context) error {
	if !readyForInterruptions(r) || r.due("users", usersEvery) {
		return nil
	}
	if err := r.readLogBack(ctx, window{r.noticesStart(), r.memory.incidents.noticesFrom}, logWindow); err != nil {
		return err
	}
	maps.DeleteFunc(r.memory.notices, func(_ string, n notice) bool { return n.at.Before(r.noticesStart()) })
	r.sleep = r.interruptions()
	return r.done(listingInterruptions, r.observe(groupSleep))
}

// usersListing declares the list of users, of whom only the time zone is kept.
func usersListing() listing {
	zones := map[string]*time.Location{}
	places := map[string]*time.Location{}
	return listing{
		path: "users", scope: "users.read", records: "users", every: usersEvery,
		queries: func(r *round) []url.Values {
			if !r.due(listingInterruptions, interruptionsEvery) {
				return nil // nothing would be made of them
			}
			return []url.Values{{}}
		},
		ready: readyForInterruptions,
		read: func(r *round, raw json.RawMessage) {
			u, err := decode[userRecord](raw)
			if err != nil {
				r.skip("user", "", err) // without the id: people are not logged
				return
			}
			place, ok := places[u.TimeZone]
			if !ok {
				// An empty name would be taken for UTC, and Local for ours.
				if u.TimeZone != "" && u.TimeZone != "Local" {
					if place, err = time.LoadLocation(u.TimeZone); err != nil {
						place = nil
					}
				}
				places[u.TimeZone] = place
			}
			zones[u.ID] = place
		},
		complete: func(r *round) { r.memory.zones = zones },
	}
}

// interruptions counts for each escalation policy how often an incident of high
// urgency woke somebody: several notifications of one person about one incident
// in one night wake once.
func (r *round) interruptions() *interruptions {
	type waking struct{ incident, user, night string }
	found := &interruptions{count: map[string]int{}, bad: map[string]bool{}}
	seen := map[waking]bool{}
	for _, n := range r.memory.notices {
		k := r.memory.incidents.byID[n.incident]
		if k == nil || !k.Urgent || k.Group == "" {
			continue
		}
		zone := r.memory.zones[n.user]
		if zone == nil {
			found.bad[k.Group] = true
			continue
		}
		local := n.at.In(zone)
		if hour := local.Hour(); hour >= nightEnd && hour < nightStart {
			continue
		}
		// A night has the date of its evening.
		night := local.Add(-nightEnd * time.Hour).Format(time.DateOnly)
		if w := (waking{n.incident, n.user, night}); !seen[w] {
			seen[w] = true
			found.count[k.Group]++
		}
	}
	return found
}

func sleepInterruptions30d() fact {
	return perService(evidence.Definition{
		Name: "pagerduty.sleep_interruptions_30d", Kind: evidence.KindInt,
		Window: interruptionsSpan, Merge: evidence.MergeMax,
		Help: fmt.Sprintf("Times in the last 30 days that an incident of high urgency of the service's escalation "+
			"policy, from whatever service, notified somebody between %d:00 and %02d:00 in that person's time zone, "+
			"notify_log_entry in GET /log_entries and time_zone in GET /users; of several services, the most.",
			nightStart, nightEnd),
		Absent: "0 when a complete log has none; unknown for a service without a policy, or where a time zone is not known",
	}, func(r *round, s *serviceRecord) answer {
		id := s.policyID()
		if id == "" {
			return unknown(evidence.MissingNoData)
		}
		return count(r.sleep.count[id], "nights of escalation policy "+id)
	})
}
