package pagerduty

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

func TestFold(t *testing.T) {
	began := time.Date(2026, 3, 4, 11, 0, 0, 0, time.UTC)
	at := func(minutes float64) time.Time { return began.Add(time.Duration(minutes * float64(time.Minute))) }
	// entry is an entry some minutes after the begin, of the user or the service.
	entry := func(kind evidence.LogEntryKind, minutes float64, person string, assignees ...string) evidence.LogEntry {
		e := evidence.LogEntry{
			ID: fmt.Sprint(kind, minutes, person, assignees), Incident: "Q1", Kind: kind, At: at(minutes),
			AgentKind: "service", Person: person, Assignees: assignees,
		}
		if person != "" {
			e.AgentKind = "user"
		}
		return e
	}
	through := func(channel string, e evidence.LogEntry) evidence.LogEntry { e.Channel = channel; return e }
	by := func(agent string, e evidence.LogEntry) evidence.LogEntry { e.AgentKind = agent; return e }
	note := func(n float64, falseAlarm bool) evidence.LogEntry {
		e := entry(evidence.LogAnnotate, n, "")
		e.Words, e.FalseAlarm = "w", falseAlarm
		return e
	}
	summary := entry(evidence.LogSummary, 30, "")
	summary.Summary = &evidence.IncidentSummary{
		AcknowledgedAt: at(3), Escalations: 1, Reassignments: 2, Notes: 3, Responders: []string{"a", "b"},
	}
	timeouts := entry(evidence.LogSummary, 30, "")
	timeouts.Summary = &evidence.IncidentSummary{ResolvedAt: at(20), Resolver: evidence.ResolverTimeout}
	open := evidence.Incident{ID: "Q1", StartedAt: began, UpdatedAt: began, Channel: "api", MachineDetected: true}
	over := open
	over.ResolvedAt, over.UpdatedAt, over.Resolver = at(20), at(20), evidence.ResolverIntegration
	type change = func(*evidence.Incident)
	people := func(list ...string) change { return func(in *evidence.Incident) { in.Responders = list } }
	resolver := func(by evidence.Resolver) change { return func(in *evidence.Incident) { in.Resolver = by } }
	nothing := func(*evidence.Incident) {}
	for name, tc := range map[string]struct {
		record      evidence.Incident
		entries     []evidence.LogEntry
		autoResolve time.Duration
		want        change
	}{
		"no entries": {open, nil, 0, nothing},
		"what the record had is replaced": {
			func() evidence.Incident {
				in := open
				in.AcknowledgedAt, in.Escalations, in.Reassignments, in.Notes, in.Responders = at(1),
					7, 7, 7, []string{"z"}
				return in
			}(), nil, 0, nothing,
		},
		"the first acknowledgement": {
			open, []evidence.LogEntry{entry(evidence.LogAcknowledge, 9, "b"), entry(evidence.LogAcknowledge, 5, "a")}, 0,
			func(in *evidence.Incident) { in.AcknowledgedAt, in.Responders = at(5), []string{"a", "b"} },
		},
		"an acknowledgement before the begin is a contradiction": {
			open, []evidence.LogEntry{entry(evidence.LogAcknowledge, -1, "a")}, 0, nothing,
		},
		"acknowledged by automation, and by a person": {
			open, []evidence.LogEntry{entry(evidence.LogAcknowledge, 1, ""), entry(evidence.LogAcknowledge, 7, "a")}, 0,
			func(in *evidence.Incident) {
				in.MachineAcknowledgedAt, in.AcknowledgedAt, in.Responders = at(1), at(7), []string{"a"}
			},
		},
		"acknowledged by an agent of no known kind": {
			open, []evidence.LogEntry{by("api_key", entry(evidence.LogAcknowledge, 1, ""))}, 0, nothing,
		},
		"delegations, acknowledgements and what PagerDuty assigns after them": {
			open, []evidence.LogEntry{
				entry(evidence.LogDelegate, 5, "a"), through("auto", entry(evidence.LogAssign, 5, "", "b")),
				entry(evidence.LogDelegate, 9, "b"), through("auto", entry(evidence.LogAssign, 9, "", "c")),
				entry(evidence.LogAcknowledge, 11, "c"), through("auto", entry(evidence.LogAssign, 11, "", "c")),
			}, 0,
			func(in *evidence.Incident) {
				in.Reassignments, in.AcknowledgedAt, in.Responders = 2, at(11), []string{"c"}
			},
		},
		"only explicit acknowledgements": {
			open, []evidence.LogEntry{
				entry("snooze", 1, "a"), entry("unacknowledge", 1, "a"),
				entry(evidence.LogUndecodable, 1, ""), entry("notify", 1, "a"),
			}, 0, nothing,
		},
		"an escalation to two people, and another": {
			open, []evidence.LogEntry{
				entry(evidence.LogEscalate, 5, "", "a"), entry(evidence.LogEscalate, 5, "", "b"),
				entry(evidence.LogEscalate, 35, "", "c"),
			}, 0, func(in *evidence.Incident) { in.Escalations = 2 },
		},
		"the initial assignment": {
			open, []evidence.LogEntry{entry(evidence.LogAssign, 0, "", "a"), entry(evidence.LogReassign, 1.0/6, "", "b")}, 0,
			nothing,
		},
		"reassignments, of which one is to two people": {
			open, []evidence.LogEntry{
				entry(evidence.LogAssign, 5, "x", "b"), entry(evidence.LogAssign, 5, "x", "a"),
				entry(evidence.LogReassign, 5, "x", "a"),
			}, 0, func(in *evidence.Incident) { in.Reassignments, in.Responders = 2, []string{"a", "b"} },
		},
		"to another policy, at once": {
			open, []evidence.LogEntry{entry(evidence.LogDelegate, 0, "", "a")}, 0,
			func(in *evidence.Incident) { in.Reassignments, in.Responders = 1, []string{"a"} },
		},
		"two notes at one time": {
			open, []evidence.LogEntry{entry(evidence.LogAnnotate, 5, "a"), entry(evidence.LogAnnotate, 5, "")}, 0,
			func(in *evidence.Incident) {
				in.Notes, in.Responders, in.FalseAlarm = 2, []string{"a"}, evidence.Unknown
			},
		},
		"notes that were read": {
			open, []evidence.LogEntry{note(5, false), note(6, false)}, 0,
			func(in *evidence.Incident) { in.Notes = 2 },
		},
		"one says that it was a false alarm": {
			open, []evidence.LogEntry{note(5, true), note(6, false), entry(evidence.LogAnnotate, 7, "")}, 0,
			func(in *evidence.Incident) { in.Notes, in.FalseAlarm = 3, evidence.Yes },
		},
		"resolved by a person": {
			over, []evidence.LogEntry{entry(evidence.LogResolve, 20, "a")}, 0,
			func(in *evidence.Incident) { in.Resolver, in.Responders = evidence.ResolverPerson, []string{"a"} },
		},
		"resolved by an integration": {
			over, []evidence.LogEntry{by("nagios_inbound_integration", entry(evidence.LogResolve, 20, ""))}, 0, nothing,
		},
		"resolved by something else": {
			over, []evidence.LogEntry{by("api_key", entry(evidence.LogResolve, 20, ""))}, 0, nothing,
		},
		"resolved by a time-out": {
			over, []evidence.LogEntry{through("timeout", entry(evidence.LogResolve, 20, ""))}, 0,
			resolver(evidence.ResolverTimeout),
		},
		"when the time-out was over": {
			over, []evidence.LogEntry{entry(evidence.LogResolve, 20, "")}, 19 * time.Minute, resolver(evidence.ResolverTimeout),
		},
		"before the time-out": {
			over, []evidence.LogEntry{entry(evidence.LogResolve, 20, "")}, 21 * time.Minute, nothing,
		},
		"long after the time-out": {
			over, []evidence.LogEntry{entry(evidence.LogResolve, 20, "")}, 17 * time.Minute, nothing,
		},
		"of an integration, it is no time-out": {
			over, []evidence.LogEntry{by("events_api_v2_inbound_integration", entry(evidence.LogResolve, 20, ""))},
			20 * time.Minute, nothing,
		},
		"the last resolution counts": {
			over, []evidence.LogEntry{entry(evidence.LogResolve, 20, ""), entry(evidence.LogResolve, 19.5, "a")}, 0, people("a"),
		},
		"opened again since the resolution": {
			over, []evidence.LogEntry{through("timeout", entry(evidence.LogResolve, 10, ""))}, 0, nothing,
		},
		"resolved, and too old to be listed again": {
			open, []evidence.LogEntry{entry(evidence.LogResolve, 20, "a")}, 0, func(in *evidence.Incident) {
				in.ResolvedAt, in.UpdatedAt, in.Resolver, in.Responders = at(20), at(20),
					evidence.ResolverPerson, []string{"a"}
			},
		},
		"open again by a newer record": {
			func() evidence.Incident { in := open; in.UpdatedAt = at(21); return in }(),
			[]evidence.LogEntry{entry(evidence.LogResolve, 20, "")}, 0, func(in *evidence.Incident) { in.UpdatedAt = at(21) },
		},
		"the channel of the record": {
			open, []evidence.LogEntry{through("email", entry(evidence.LogTrigger, 0, ""))}, 0, nothing,
		},
		"the channel of the first trigger": {
			func() evidence.Incident { in := open; in.Channel, in.MachineDetected = "", false; return in }(),
			[]evidence.LogEntry{
				through("api", entry(evidence.LogTrigger, 5, "")), by("", entry(evidence.LogTrigger, 0, "")),
				through("website", entry(evidence.LogTrigger, 1, "a")),
			}, 0, func(in *evidence.Incident) { in.Channel, in.MachineDetected = "website", false },
		},
		"a summary, and what came after it": {
			open, []evidence.LogEntry{
				summary, entry(evidence.LogAcknowledge, 31, "c"), entry(evidence.LogAnnotate, 30, "d"),
				entry(evidence.LogAnnotate, 31, "e"),
				entry(evidence.LogEscalate, 29, ""), entry(evidence.LogAssign, 32, "x", "f"),
			}, 0, func(in *evidence.Incident) {
				in.AcknowledgedAt, in.Escalations, in.Reassignments, in.Notes = at(3), 1, 3, 4
				in.FalseAlarm = evidence.Unknown
				in.Responders = []string{"a", "b", "c", "d", "e", "f"}
			},
		},
		"the resolver of a summary": {over, []evidence.LogEntry{timeouts}, 0, resolver(evidence.ResolverTimeout)},
	} {
		t.Run(name, func(t *testing.T) {
			want := open
			if !tc.record.ResolvedAt.IsZero() {
				want = over
			}
			want.FalseAlarm = evidence.No
			tc.want(&want)
			got := fold(tc.record, tc.entries, tc.autoResolve)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("incident\n%+v, want\n%+v", got, want)
			}
			// In another order, twice, and over the result it is the same.
			backward := slices.Clone(tc.entries)
			slices.Reverse(backward)
			if again := fold(got, append(backward, tc.entries...), tc.autoResolve); !reflect.DeepEqual(again, want) {
				t.Errorf("folded again\n%+v, want\n%+v", again, want)
			}
		})
	}
}
