package jira_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

// ourself is the account of the credential; without it no search is made.
const ourself = `{"accountId":"us","active":true}`

// endless is a Cloud site with so many incidents, made as they are asked for.
type endless struct{ incidents, page int }

// at is when an incident began; they are an hour and so apart.
func (e endless) at(n int) time.Time {
	return noon.Add(-700*day + time.Duration(n)*(700*day/time.Duration(e.incidents)))
}

func (e endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	query := r.URL.Query()
	switch {
	case r.URL.Path == "/rest/api/2/myself":
		_, _ = io.WriteString(w, ourself)
		return
	case r.URL.Path == "/rest/api/2/status":
		_, _ = io.WriteString(w, `[{"id":"6","name":"Done","statusCategory":{"key":"done"}}]`)
		return
	case !strings.Contains(query.Get("jql"), "statusCategory !="):
		_, _ = io.WriteString(w, `{"issues":[],"isLast":true}`)
		return
	}
	start, _ := strconv.Atoi(query.Get("nextPageToken"))
	end := min(start+e.page, e.incidents)
	var page bytes.Buffer
	page.WriteString(`{"issues":[`)
	for n := start; n < end; n++ {
		if n > start {
			page.WriteByte(',')
		}
		at := e.at(n).Format("2006-01-02T15:04:05.000-0700")
		fmt.Fprintf(&page,
			`{"id":"%d","key":"SHOP-%d","fields":{"project":{"key":"SHOP"},"components":[{"name":"cart"}],"summary":"Disk full",`+
				`"status":{"id":"6","statusCategory":{"key":"done"}},"created":%q,"updated":%q,"resolutiondate":%q,"description":"What happened, in many words."}}`, n, n, at, at, at)
	}
	fmt.Fprintf(&page, `],"isLast":%t`, end == e.incidents)
	if end < e.incidents {
		fmt.Fprintf(&page, `,"nextPageToken":"%d"`, end)
	}
	page.WriteByte('}')
	_, _ = w.Write(page.Bytes())
}

// Memory is bounded by pages, however long the history: of each incident only
// eight bytes of its key are held.
func TestMemoryIsBoundedByPages(t *testing.T) {
	const most = 16 << 20
	race.Skip(t, "one goroutine reads a long history")
	const incidents = 100_000
	site := endless{incidents, 500}
	server := httptest.NewServer(site)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	source, err := jira.New(jira.Options{
		Name: "main", URL: server.URL, HTTPClient: client, OnlySite: true, Now: func() time.Time { return noon },
		PageLimit: site.page, Incidents: jira.Incidents{JQL: incidentsJQL},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, services := shop()
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	request := collectors.Request{Services: services, Now: noon}
	// A store that has all of them already, and holds none in memory.
	request.Incidents = func(_ context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error {
		for n := range incidents {
			in := evidence.Incident{
				ID: strconv.Itoa(n), Key: fmt.Sprintf("SHOP-%d", n), StartedAt: site.at(n), ResolvedAt: site.at(n),
				Services: []string{"cart"},
			}
			if in.StartedAt.Before(span.Since) {
				continue
			}
			if err := each(in); err != nil {
				return err
			}
		}
		return nil
	}
	begun, peak, batches, got := held(), uint64(0), 0, 0
	err = source.Collect(t.Context(), request, func(b evidence.Batch) error {
		got += len(b.Incidents)
		if batches++; batches%20 == 0 {
			peak = max(peak, held())
		}
		return nil
	})
	if err != nil || got != incidents {
		t.Fatalf("%d incidents, want %d; error %v", got, incidents, err)
	}
	if peak < begun || peak-begun > most {
		t.Errorf("%d MiB more are held at the peak, want at most %d", (peak-begun)>>20, most>>20)
	}
	t.Logf("%.1f MiB more are held at the peak of %d batches", float64(peak-begun)/(1<<20), batches)
}

// A server that repeats itself under ever new tokens is left.
func TestPagesWithoutANewIssueAreLeft(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/rest/api/2/myself" {
			_, _ = io.WriteString(w, ourself)
			return
		}
		if !strings.Contains(r.URL.Path, "search") {
			_, _ = io.WriteString(w, `[{"id":"6","name":"Done","statusCategory":{"key":"done"}}]`)
			return
		}
		_, _ = fmt.Fprintf(
			w, `{"issues":[{"id":"1","key":"SHOP-1","fields":{"project":{"key":"SHOP"}}}],"nextPageToken":"%d"}`, asked,
		)
	}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	facts, err := jira.ParseFacts(
		"one.yaml", []byte(`facts: [{name: jira.one, mode: count, jql: labels = "x", help: One.}]`),
	)
	if err != nil {
		t.Fatal(err)
	}
	source, err := jira.New(jira.Options{Name: "main", URL: server.URL, HTTPClient: client, OnlySite: true, Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	_, services := shop()
	err = source.Collect(t.Context(), collectors.Request{Services: services, Now: noon}, func(b evidence.Batch) error {
		if len(b.Covered) > 0 {
			t.Errorf("covered %v", b.Covered)
		}
		return nil
	})
	if got := calls(err); got != "GET /rest/api/2/search/jql incomplete" || asked > 100 {
		t.Errorf("error %q after %d requests", got, asked)
	}
}

// No number of issues, and no size of a page, cuts a listing short.
func TestTenThousandAndOneIssues(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	both(t, func(t *testing.T, dataCenter bool) {
		var issues []jiratest.Issue
		for n := range 10_001 {
			issues = append(issues, jiratest.Issue{
				Key: fmt.Sprintf("REP-%d", n), Type: "Incident", Labels: []string{"security"}, Components: []string{"cart"},
				Created: noon.Add(-time.Duration(10_001-n) * 10 * time.Minute), Due: noon.Add(-9 * day),
			})
		}
		site, services := shop(issues...)
		w := start(t, dataCenter, site, services, func(s setup) { s.fake.MaxPage = 50 })
		r := w.mustCollect()
		r.want(t, "reports", map[string]string{"overdue_security_issues": "10001"})
		if len(r.incidents) != 10_001 {
			t.Errorf("%d incidents", len(r.incidents))
		}
	})
}

// A long first listing reports its progress, which never falls.
func TestProgressOfALongHistory(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(crowd(900, 12*time.Hour)...)
		w := start(t, dataCenter, site, services)
		w.mustCollect()
		last, steps := collectors.Progress{}, map[string]bool{}
		for _, p := range w.progress {
			steps[p.Step] = true
			if p.Share < last.Share || p.Share > 1 || p.Records < last.Records {
				t.Errorf("after %+v comes %+v", last, p)
			}
			last = p
		}
		if len(w.progress) < 9 || last.Share != 1 || last.Records != 900 || len(steps) != 1 {
			t.Errorf("progress %+v", w.progress)
		}
		if mid := w.progress[len(w.progress)/2]; mid.Share < 0.3 || mid.Share > 0.95 {
			t.Errorf("in the middle %+v", mid)
		}
		// A round that brings the changes of minutes is short.
		w.progress = nil
		w.pass(10 * time.Minute)
		if w.mustCollect(); len(w.progress) != 0 {
			t.Errorf("progress %+v", w.progress)
		}
	})
}

// What an account's time zone is changes nothing: no query names a time, and
// every time that is answered is read with its zone.
func TestTheTimeZoneOfTheAccountDoesNotMatter(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		var first map[string]evidence.Incident
		for _, hours := range []float64{0, -9.5, 14} {
			zone := time.FixedZone("", int(hours*3600))
			open := incident(1, "cart", noon.Add(-5*day))
			open.Done = noon.Add(12 * time.Minute)
			site, services := shop(append(crowd(30, time.Hour), open, incident(2, "cart", noon.Add(5*time.Minute)))...)
			w := start(t, dataCenter, site, services, func(s setup) { s.fake.TimeZone = zone })
			w.mustCollect()
			for range 3 {
				w.pass(7 * time.Minute)
				w.mustCollect()
			}
			for _, q := range w.fake.Requests() {
				if strings.Contains(q.JQL, "2026") || strings.Contains(q.JQL, "2025") {
					t.Errorf("a time in the query %s", q.JQL)
				}
			}
			ended := false
			for _, in := range w.incidents {
				ended = ended || in.Key == "SHOP-1" && !in.ResolvedAt.IsZero()
			}
			if len(w.incidents) != 32 || !ended {
				t.Fatalf("%v hours from UTC: %d incidents, SHOP-1 ended: %t", hours, len(w.incidents), ended)
			}
			if first == nil {
				first = w.incidents
			}
			if fmt.Sprint(w.incidents) != fmt.Sprint(first) {
				t.Errorf("%v hours from UTC tell other incidents", hours)
			}
		}
	})
}

// One changelog that did not come costs its own issue, which is counted and
// logged with its key, and no other; no time is made up for it.
func TestChangelogsThatDoNotCome(t *testing.T) {
	const history = `{"created":"2026-01-08T00:00:00.000+0000","items":[{"field":"status","fieldId":"status","from":"1","to":"6"}]}`
	whole := func(id string) string { return `{"issueId":"` + id + `","changeHistories":[` + history + `]}` }
	bad := strings.ReplaceAll(history, "2026-01-08T00:00:00.000+0000", "soon")
	// The fake's ids are made of the keys.
	idOf := func(key string) string {
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(key))
		return strconv.FormatUint(sum.Sum64()%1e12, 10)
	}
	var comments []jiratest.Change
	for n := range 50 {
		comments = append(comments, jiratest.Change{At: noon.Add(-40*day + time.Duration(n)*time.Hour), Field: "comment"})
	}
	first, second := incident(1, "cart", noon.Add(-60*day)), incident(2, "", noon.Add(-60*day))
	second.Key, second.Components = "REP-2", nil
	for _, in := range []*jiratest.Issue{&first, &second} {
		in.Priority, in.Done, in.NoResolution, in.Changes = "Low", noon.Add(-55*day), true, comments
	}
	game := jiratest.Issue{
		Key: "REP-1", Labels: []string{"game-day"}, Created: noon.Add(-90 * day), Done: noon.Add(-80 * day),
		NoResolution: true, Changes: comments,
	}
	site, services := shop(first, second, game)
	for name, tc := range map[string]struct {
		// logs name the issues by their keys.
		logs string
		// lost are the incidents that are not known, of cart and of reports.
		cart, reports bool
	}{
		"nothing":    {``, true, true},
		"one":        {whole("REP-2"), true, false},
		"a bad time": {whole("REP-2") + `,{"issueId":"SHOP-1","changeHistories":[` + bad + `]}`, true, false},
		"a bad one of two": {
			whole("SHOP-1") + `,` + whole("REP-2") + `,{"issueId":"SHOP-1","changeHistories":[` + bad + `]}`, true, false,
		},
		"no list":              {whole("REP-2") + `,{"issueId":SHOP-1,"changeHistories":null}`, true, false},
		"a list of text":       {whole("REP-2") + `,{"issueId":"SHOP-1","changeHistories":"none"}`, true, false},
		"a history of nothing": {whole("REP-2") + `,{"issueId":"SHOP-1","changeHistories":[7]}`, true, false},
		"whose is not said":    {whole("SHOP-1") + `,` + whole("REP-2") + `,null`, true, true},
		"of another as well": {
			whole("SHOP-1") + `,` + whole("REP-2") + `,{"issueId":"1","changeHistories":[` + bad + `]}`, false, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, false, site, services)
			logs := strings.NewReplacer("SHOP-1", idOf("SHOP-1"), "REP-2", idOf("REP-2")).Replace(tc.logs)
			w.fake.Inject(jiratest.Fault{
				Call: "POST /rest/api/2/changelog/bulkfetch", Body: `{"issueChangeLogs":[` + logs + `]}`,
			})
			r := w.mustCollect()
			lost := 0
			for service, is := range map[string]bool{"cart": tc.cart, "reports": tc.reports} {
				key, fact := map[string]string{"cart": "SHOP-1", "reports": "REP-2"}[service], "0"
				if is {
					lost++
					fact = "except undecodable"
				}
				if in, there := r.incidents[key]; there == is || there && in.ResolvedAt.Format(time.DateOnly) != "2026-01-08" {
					t.Errorf("%s: there %t, ended %s", key, there, in.ResolvedAt)
				}
				if strings.Contains(w.log.String(), "key="+key) && !is {
					t.Errorf("%s: logged\n%s", key, w.log)
				}
				r.want(t, service, map[string]string{"major_incidents_180d": fact, "last_threat_model_age_days": "never"})
			}
			// Of many in one batch the first is named.
			if named := strings.Contains(w.log.String(), "kind=incident"); named != (lost > 0) {
				t.Errorf("%d incidents are lost; logged\n%s", lost, w.log)
			}
			// The game day is in none of the answers.
			r.want(t, "reports", map[string]string{"last_gameday_age_days": "except undecodable"})
			r.want(t, "checkout", map[string]string{"last_gameday_age_days": "never"})
			if r.skipped["incident"] != lost || r.skipped["issue"] != 1 {
				t.Errorf("skipped %v, want %d incidents and an issue", r.skipped, lost)
			}
			w.fake.Heal()
			w.pass(jira.DefaultReconcileEvery)
			w.mustCollect()
			w.pass(time.Hour) // facts are asked for once an hour
			r = w.mustCollect()
			r.want(t, "cart", map[string]string{"major_incidents_180d": "0"})
			r.want(t, "reports", map[string]string{"last_gameday_age_days": "2025-12-14T12:00:00Z"})
			if len(w.incidents) != 2 {
				t.Errorf("%d incidents in the end", len(w.incidents))
			}
		})
	}
}

// An answer leaves out issues without a change of the fields that are asked for.
// That they have none is known once they are answered with all fields.
func TestAChangelogOfCommentsAlone(t *testing.T) {
	in := incident(1, "cart", noon.Add(-60*day))
	for n := range 50 {
		in.Changes = append(in.Changes, jiratest.Change{At: noon.Add(-40*day + time.Duration(n)*time.Hour), Field: "comment"})
	}
	site, services := shop(in)
	w := start(
		t, false, site, services,
		func(s setup) { s.jira.Incidents.Acknowledged = jira.Moment{Statuses: []string{"In Progress"}} },
	)
	r := w.mustCollect()
	if got, there := r.incidents["SHOP-1"]; !there || !got.AcksKnown || !got.AcknowledgedAt.IsZero() ||
		r.skipped["incident"] != 0 {
		t.Errorf("there %t, %+v, skipped %v", there, got, r.skipped)
	}
	if n := w.fake.Count("POST /rest/api/2/changelog/bulkfetch"); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}
