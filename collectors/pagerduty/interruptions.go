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
	_ "time/tzdata" // images without a zone database judge nights too

	"github.com/prodready/collector/evidence"
)

const (
	interruptionsEvery = 30 * time.Minute
	usersEvery         = day
	interruptionsSpan  = 30 * day
	// Night is from nightStart to nightEnd, in hours of the responder's day, and business
	// from nightEnd to businessEnd from Monday to Friday.
	nightStart, nightEnd, businessEnd = 22, 8, 18
)

type userRecord struct {
	ID       string `json:"id"`
	TimeZone string `json:"time_zone"`
}

func (u *userRecord) check() error { return lacks("id", u.ID) }

// notice is a notification of a user about an incident. One that could not be read may
// lack either.
type notice struct {
	at             time.Time
	incident, user string
}

// interruptions are those of sleep by escalation policy.
type interruptions struct {
	count map[string]int
	// bad are the policies that a person was notified of whose time zone is not
	// known, or that a notification may be of which could not be read; anyPolicy where
	// that may be any.
	bad map[string]bool
}

// notifyLogEntry is the type of the entries about notifications.
const notifyLogEntry = "notify_log_entry"

// notice takes an entry about a notification into memory.
func (r *round) notice(e *logEntryRecord) {
	if !e.CreatedAt.Before(r.noticesStart()) {
		r.memory.notices[e.ID] = notice{at: e.CreatedAt.Time, incident: e.incident(), user: e.User.ID}
	}
}

// undecodableNotice takes an entry that could not be read, and is not after a time, into
// memory if it may be about a notification.
func (r *round) undecodableNotice(id string, raw json.RawMessage, before time.Time) {
	if kind := idOf(raw, "type"); kind == "" || kind == notifyLogEntry {
		r.memory.notices[cmp.Or(id, string(raw))] = notice{
			at: timeOf(raw, "created_at", before), incident: incidentID(idOf(raw, "incident", "id")),
		}
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
				if r.sleep.bad[s.policyID()] || r.sleep.bad[anyPolicy] {
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

// countInterruptions counts the interruptions of incidents, and observes the facts of the
// sleep group.
func (r *round) countInterruptions(ctx context.Context) error {
	if err := r.countOfIncidents(ctx); err != nil {
		return err
	}
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

// countOfIncidents counts the interruptions of the incidents that this process has not
// counted since their last notification, and stores what has changed. The entries of the
// log are in the store, so that an earlier process may have read them.
func (r *round) countOfIncidents(ctx context.Context) error {
	if r.memory.zones == nil || !r.followed {
		return nil
	}
	zones := make(map[string]*time.Location, len(r.memory.zones))
	for id, zone := range r.memory.zones {
		zones[r.person(reference{ID: id, Type: "user"})] = zone
	}
	var changed []*trackedIncident
	for part := range slices.Chunk(r.uncounted(), maxSent) {
		entries, err := r.entriesOf(ctx, part)
		if err != nil {
			return err
		}
		for _, k := range part {
			k.counted = true
			counts := interruptionsOf(entries[k.ID], zones)
			isOver := k.Interruptions.Known && !k.Open()
			if counts == k.Interruptions || !counts.Known && isOver { // somebody may have left since
				continue
			}
			k.Interruptions = counts
			changed = append(changed, k)
		}
	}
	return r.reconcile(ctx, changed, nil)
}

// uncounted lists the incidents whose interruptions are to be counted: those whose log is
// stored completely and can be read.
func (r *round) uncounted() []*trackedIncident {
	m := r.memory.incidents
	lost := r.lostNotices()
	return slices.DeleteFunc(sorted(m.byID), func(k *trackedIncident) bool {
		return k.counted || !k.needed() || k.StartedAt.Before(r.factStart()) || !k.StartedAt.After(lost) ||
			!m.complete(k) || k.summarized || k.undecodable
	})
}

// lostNotices is the time of the last notification that may be of any incident; zero
// without one.
func (r *round) lostNotices() time.Time {
	var last time.Time
	for _, n := range r.memory.notices {
		if n.incident == "" {
			last = latest(last, n.at)
		}
	}
	return last
}

// interruptionsOf counts the interruptions among the log entries of an incident, by the
// time zone of each person. They are unknown if one of these is.
func interruptionsOf(entries map[string]evidence.LogEntry, zones map[string]*time.Location) evidence.Interruptions {
	counts := evidence.Interruptions{Known: true}
	seen := map[interruption]bool{}
	for _, e := range entries {
		if e.Kind != evidence.LogNotify {
			continue
		}
		zone := zones[e.Person]
		if e.Person == "" || zone == nil {
			return evidence.Interruptions{}
		}
		i := interruptionOf(notice{at: e.At, incident: e.Incident, user: e.Person}, zone)
		if seen[i] {
			continue
		}
		seen[i] = true
		switch i.hours {
		case hoursOfSleep:
			counts.Sleep++
		case hoursOfBusiness:
			counts.Business++
		default:
			counts.Off++
		}
	}
	return counts
}

// hours are those of a person's day.
type hours int

const (
	hoursOff hours = iota
	hoursOfBusiness
	hoursOfSleep
)

// interruption is one time that an incident interrupted a person: several notifications
// within the same hours of a day are one. A night has the date of its evening.
type interruption struct {
	incident, user, day string
	hours               hours
}

func interruptionOf(n notice, zone *time.Location) interruption {
	local := n.at.In(zone)
	i := interruption{incident: n.incident, user: n.user, hours: hoursOf(local)}
	if i.hours == hoursOfSleep {
		local = local.Add(-nightEnd * time.Hour)
	}
	i.day = local.Format(time.DateOnly)
	return i
}

func hoursOf(local time.Time) hours {
	weekend := local.Weekday() == time.Saturday || local.Weekday() == time.Sunday
	switch hour := local.Hour(); {
	case hour < nightEnd || hour >= nightStart:
		return hoursOfSleep
	case weekend || hour >= businessEnd:
		return hoursOff
	}
	return hoursOfBusiness
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
		complete: func(r *round) {
			r.memory.zones = zones
			for _, k := range r.memory.incidents.byID {
				k.counted = k.counted && k.Interruptions.Known
			}
		},
	}
}

// interruptions counts for each escalation policy how often an incident of high
// urgency woke somebody: several notifications of one person about one incident
// in one night wake once.
func (r *round) interruptions() *interruptions {
	found := &interruptions{count: map[string]int{}, bad: map[string]bool{}}
	seen := map[interruption]bool{}
	for _, n := range r.memory.notices {
		if n.incident == "" {
			found.bad[anyPolicy] = true
			continue
		}
		k := r.memory.incidents.byID[n.incident]
		if k == nil || !k.Urgent || k.Group == "" {
			continue
		}
		zone := r.memory.zones[n.user]
		if zone == nil {
			found.bad[k.Group] = true
			continue
		}
		if i := interruptionOf(n, zone); i.hours == hoursOfSleep && !seen[i] {
			seen[i] = true
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
