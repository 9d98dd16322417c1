package report

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// past is a time line in which every kind of event occurs.
func past(t *testing.T) HistoryInput {
	t.Helper()
	s := company(t)
	at := func(days, hour int) time.Time {
		return time.Date(2026, 8, 22-days, hour, 30, 0, 0, time.UTC)
	}
	span := func(check string, status scoring.Status, since, until time.Time) snapshot.StatusSpan {
		return snapshot.StatusSpan{Check: check, Status: status, Since: since, Until: until}
	}
	in := HistoryInput{
		Snapshot: s, Service: "gateway", Since: at(14, 9), KeptSince: at(400, 0),
		Transitions: []scoring.Transition{
			{Service: "gateway", At: at(9, 7), From: framework.Silver, To: framework.Gold, Cause: scoring.CauseEvidence,
				Contributing: []scoring.Cause{scoring.CauseExemption}, Announced: true, Framework: "small 1.0.0",
				Flips: []scoring.Flip{{Check: "cicd.no-drift", Before: "fail", After: "pass",
					FactsBefore: map[string]string{"deploy.synced_ratio_7d": "0.95", "signal.scraped": "true"},
					FactsAfter:  map[string]string{"deploy.synced_ratio_7d": "1", "signal.scraped": "true"}}}},
			{Service: "gateway", At: at(5, 7), From: framework.Gold, To: framework.NoBadge, Cause: scoring.CauseLapse},
		},
		Holds:      []Held{{Since: at(20, 1), Until: at(13, 3), Reason: "cicd.no-drift unknown"}},
		Frameworks: []FrameworkChange{{At: at(9, 6), Framework: "small 1.0.0"}},
		Statuses: []snapshot.StatusSpan{
			span("cicd.no-drift", scoring.Fail, at(300, 0), at(9, 7)),
			span("cicd.no-drift", scoring.Pass, at(9, 7), time.Time{}),
			span("gone.check", scoring.Pass, at(300, 0), at(8, 2)),
			span("gone.check", scoring.NotApplicable, at(8, 2), time.Time{}),
			span("inc.on-call", scoring.Unknown, at(3, 0), time.Time{}), // its first status
		},
		Facts: map[string][]FactChange{"deploy.synced_ratio_7d": {
			{At: at(301, 0), Source: "prometheus/prod-eu", Value: double(0.5)},
			{At: at(20, 0), Source: "prometheus/prod-eu", Value: double(0.95)},
			{At: at(10, 0), Source: "prometheus/prod-eu", Withdrawn: evidence.MissingNoData},
			{At: at(9, 6), Source: "prometheus/prod-eu", Value: double(1)},
			{At: at(2, 0), Source: "prometheus/prod-eu", Value: double(0.2)},
		}},
		Exemptions: []scoring.Exemption{
			{Check: "inc.acknowledged", Selector: scoring.Selector{Tiers: []int{1}}, Reason: "moves", RequestedBy: "team web",
				Approver: "head of operations", Expires: at(6, 0)},
			{Check: "inc.covered", Selector: scoring.Selector{Services: []string{"ledger"}}, Reason: "of another",
				Approver: "x", Expires: at(6, 0)},
		},
		Reviews: []evidence.Review{
			{Source: "jira/main", ID: "10412", Key: "PRR-12", Service: "gateway", CreatedAt: at(50, 0), CompletedAt: at(4, 0)},
			{Source: "jira/main", ID: "10413", Key: "PRR-13", Service: "gateway", CreatedAt: at(1, 0), Gone: true},
		},
	}
	for _, check := range s.Framework.Checks[:5] { // a source fails
		in.Statuses = append(in.Statuses, span(check.ID, scoring.Pass, at(9, 8), at(2, 4)),
			span(check.ID, scoring.Unknown, at(2, 4), time.Time{}))
	}
	incident := &evidence.Incident{Source: "pagerduty/main", ID: "Q1", StartedAt: at(3, 4), ResolvedAt: at(3, 5),
		Resolver: evidence.ResolverPerson, Severity: 2, Services: []string{"gateway"}, Template: "p99 of <script> is 3 s"}
	links := correlation.NewLinks()
	links.Update([]evidence.Incident{*incident}, in.Since)
	gateway, _ := s.Find("gateway")
	in.Incidents, _ = links.Listing([]*catalog.Service{gateway.Entry}, correlation.Window(now().Sub(in.Since)), now())
	return in
}

func TestHistoryLooksAsItDid(t *testing.T) {
	h := NewHistory(past(t))
	styled := func(style Style) func(io.Writer) error {
		return func(w io.Writer) error { return h.WriteText(w, style) }
	}
	empty := NewHistory(HistoryInput{Snapshot: company(t), Service: "attic", Since: now().Add(-time.Hour)})
	for name, write := range map[string]func(io.Writer) error{
		"history.txt":        styled(Style{Width: 80}),
		"history-colour.txt": styled(Style{Width: 60, Colour: true}),
		"history.md":         h.WriteMarkdown,
		"history.json":       h.WriteJSON,
		"history-empty.txt":  func(w io.Writer) error { return empty.WriteText(w, Style{}) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		})
	}
	var out bytes.Buffer
	var decoded History
	if err := h.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &decoded); err != nil || !reflect.DeepEqual(decoded, h) {
		t.Errorf("decoded, it is another one: %v\n%+v\n%+v", err, decoded, h)
	}
}
