package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/pages"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// hostile is what nobody should be able to run in a reader's browser.
const hostile = `<script>alert("1")</script>'"><img src=x onerror=alert(2)>`

func service(name string) snapshot.Service {
	return snapshot.Service{
		Entry: &catalog.Service{Name: name, Team: "payments", Tier: 2},
		Card:  &scoring.Scorecard{HasScore: true, Score: scoring.Bounds[float64]{Lower: 0.5, Upper: 0.759}, Coverage: 1},
		Badge: scoring.BadgeState{Badge: framework.Gold, At: now},
	}
}

func fleet(names ...string) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		At: now, Framework: &framework.Framework{Name: "default", Version: "1.2.0"},
		Sources: []snapshot.SourceStatus{
			{ID: "pagerduty/main", LastSuccess: now}, {ID: "jira/main", Error: "GET /search: " + hostile,
				Uncounted: []evidence.Uncounted{{
					Kind: evidence.UncountedTicket, Total: 7,
					Reasons: map[evidence.UncountedReason]int{evidence.UncountedUnknownService: 7},
					Largest: []evidence.UncountedGroup{
						{Name: "component " + hostile, Reason: evidence.UncountedUnknownService, Count: 6},
					},
				}}},
		},
	}
	for _, name := range names {
		s.Services = append(s.Services, service(name))
	}
	return s
}

func metrics(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metric 1\n") }

// options are a working server's over the snapshot.
func options(s *snapshot.Snapshot) Options {
	return Options{
		Current: func() *snapshot.Snapshot { return s },
		Metrics: http.HandlerFunc(metrics),
		Past:    noPast{},
		Reload:  func(context.Context) error { return nil },
		// The system picks a free port.
		ListenAddresses: []string{"127.0.0.1:0"},
	}
}

// noPast is a store that knows nothing of the past.
type noPast struct{}

func (noPast) Moves(context.Context, time.Time) ([]scoring.Transition, error) { return nil, nil }

func (noPast) History(
	_ context.Context, s *snapshot.Snapshot, service string, since time.Time,
) (report.History, error) {
	return report.NewHistory(report.HistoryInput{Snapshot: s, Service: service, Since: since}), nil
}

func (noPast) Incidents(
	_ context.Context, s *snapshot.Snapshot, q report.IncidentQuery,
) (report.Incidents, error) {
	return report.NewIncidents(nil, nil, correlation.Window(q.Window), q.Class, s.At), nil
}

func (noPast) Reviews(context.Context) ([]string, error) { return nil, nil }

// newServer makes a server with pages.
func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Pages == nil && o.Current != nil {
		site, err := pages.New(pages.Options{
			Current: o.Current, Past: o.Past, ReviewsKept: func() bool { return o.Reviews != nil && o.Reviews.Enabled() },
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Pages = site
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, h http.Handler, method, target string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost:9847"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func (a answer) expect(t *testing.T, what string, status int, contains ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d: %s", what, a.status, status, a.body)
	}
	for _, c := range contains {
		if !strings.Contains(a.body, c) {
			t.Errorf("%s: the answer lacks %q: %s", what, c, a.body)
		}
	}
}
