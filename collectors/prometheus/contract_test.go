package prometheus_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/fault"
	"github.com/prodready/collector/internal/sourcetest"
)

// manySeries is a server with more series than anything else has records.
const manySeries sourcetest.Data = "10,001 series and firings"

// many is how many they are.
const many = 10001

// manyName is the name of one of their services, and the job of its series.
func manyName(n int) string { return fmt.Sprintf("job-%d", n) }

func TestContract(t *testing.T) { sourcetest.Run(t, contract(t)) }

func TestContractOfLargeServers(t *testing.T) {
	s := contract(t)
	// Each of the many series belongs to another service, and so does each firing.
	for n := range many {
		s.Services = append(s.Services, matched(manyName(n), manyName(n)))
	}
	s.Large = []sourcetest.Large{{
		Data: manySeries, Alerts: many + 2, // Old and Lasting
		// checkout, cart and quiet have a count, checkout and cart a sum, and nothing
		// has happened to any of them that would have a last time.
		Records: map[string]int{"x.count": many + 3, "x.sum": many + 2, "x.last": many},
	}}
	sourcetest.RunLarge(t, s)
}

// contractFacts are a count with a witness, a sum over a window, and a fact whose
// last occurrence the store keeps.
const contractFacts = `witnesses:
  seen: {help: the exporter sees it, join: job, query: 'max by (job) (w)'}
facts:
  - name: x.count
    type: int
    help: a number
    absent: {value: 0, witness: seen}
    providers:
      - {via: test, join: job, query: 'max by (job) (a)'}
  - name: x.sum
    type: double
    help: a number
    merge: sum
    absent: unknown
    providers:
      - {via: test, join: job, query: 'sum by (job) (increase(b[1d]))'}
  - name: x.last
    type: double
    unit: days
    help: an age
    clock: elapsed
    remember: last_true
    absent: unknown
    providers:
      - {via: test, join: job, query: 'max by (job) (increase(c[1d]))'}
`

// contract is a source with a server that answers from its data.
func contract(t *testing.T) sourcetest.Subject {
	t.Helper()
	facts, err := prometheus.Load([]string{"rules"},
		[]prometheus.File{{Name: "contract.yaml", Data: []byte("preset: contract\n" + contractFacts)}})
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{
		"max by (job) (w)": "query witness", "max by (job) (a)": "query count",
		"sum by (job) (increase(b[1d]))": "query sum", "max by (job) (increase(c[1d]))": "query last",
	}
	s := sourcetest.Subject{
		Start: noon,
		Services: []*catalog.Service{matched("checkout", "checkout"), matched("cart", "cart"), matched("quiet", "quiet"),
			{Name: "plain"}},
		Upstream: func(data sourcetest.Data, now func() time.Time, fail func(string)) http.Handler {
			return &contractServer{data: data, now: now, fail: fail}
		},
		Source: func(address string, client *http.Client, now func() time.Time) (collectors.Source, error) {
			return prometheus.New(prometheus.Options{
				Name: "main", URL: address, HTTPClient: client, Facts: facts, Now: now, AlertHistory: 2 * day,
			})
		},
		HTTP:       config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Bearer", Credentials: "of-the-file"}},
		Secret:     "of-the-file",
		ClockFacts: map[string]bool{"x.last": true},
		Form: fault.Form{
			Call: func(r *http.Request) string {
				switch r.URL.Path {
				case "/api/v1/query":
					query := r.FormValue("query")
					if name, known := queries[query]; known {
						return name
					}
					if strings.Contains(query, "readiness_window") {
						return "query data"
					}
				case "/api/v1/query_range":
					return "query alerts"
				case "/api/v1/rules":
					return "rules"
				}
				return r.Method + " " + r.URL.Path
			},
			List: func(call string) string {
				if call == "rules" {
					return "data.groups"
				}
				return "data.result"
			},
			Refusal: func(status int, _ []string) (contentType, body string) {
				return "text/plain; charset=utf-8", http.StatusText(status)
			},
		},
		WrongNames: []sourcetest.WrongName{{Name: "job=chekout", Nearest: `"checkout"`, User: "till",
			Service: matched("till", "chekout")}},
		BadBodies: map[string]sourcetest.BadBody{
			"200 with an error": {Body: `{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}`,
				Reason: evidence.ReasonRejected},
			"200 and a part": {
				Body:   `{"status":"success","warnings":["receiver 2: connection refused"],"data":{"resultType":"vector","result":[],"groups":[]}}`,
				Reason: evidence.ReasonIncomplete,
			},
			"null data": {Body: `{"status":"success","data":null}`, Reason: evidence.ReasonUndecodable},
		},
	}
	// A server, or the proxy before it, may name any content type: what is read is
	// the envelope, which says of itself that it is an answer and to what, so that
	// the type proves nothing more.
	anyType := map[string]evidence.Reason{sourcetest.WrongType: ""}
	for _, name := range []string{"query data", "query witness", "query count", "query sum", "query last"} {
		s.Calls = append(s.Calls, sourcetest.Call{Name: name, Error: "query", Reasons: anyType})
	}
	s.Calls = append(s.Calls,
		sourcetest.Call{Name: "query alerts", Error: "query range", Optional: "firings are no facts", Reasons: anyType},
		sourcetest.Call{Name: "rules", Reasons: anyType})
	return s
}

// contractServer answers in the wire format, from one set of data.
type contractServer struct {
	data sourcetest.Data
	now  func() time.Time
	fail func(string)
}

func (s *contractServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Bearer of-the-file" {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	var data any
	switch r.URL.Path {
	case "/api/v1/query":
		data = map[string]any{"resultType": "vector", "result": s.vector(r.FormValue("query"))}
	case "/api/v1/query_range":
		start, err1 := strconv.ParseFloat(r.FormValue("start"), 64)
		end, err2 := strconv.ParseFloat(r.FormValue("end"), 64)
		if err1 != nil || err2 != nil || r.FormValue("step") != "60" {
			s.fail("query_range " + r.Form.Encode())
		}
		data = map[string]any{"resultType": "matrix", "result": s.matrix(int64(start), int64(end))}
	case "/api/v1/rules":
		data = map[string]any{"groups": s.rules()}
	case "/api/v1/label/job/values":
		data = []string{"cart", "checkout", "quiet"}
	default:
		s.fail(r.Method + " " + r.URL.Path)
	}
	body, err := json.Marshal(map[string]any{"status": "success", "data": data})
	if err != nil {
		s.fail(err.Error())
	}
	_, _ = w.Write(body)
}

// vector answers a query. Empty is a server that scrapes and has nothing else.
func (s *contractServer) vector(query string) []any {
	list := []any{}
	add := func(value, name, label string) {
		list = append(list, map[string]any{"metric": map[string]string{name: label}, "value": [2]any{s.now().Unix(), value}})
	}
	if strings.Contains(query, "readiness_window") {
		add("1", "readiness_window", "0s")
		add("1", "readiness_window", "1d")
		return list
	}
	if s.data == sourcetest.Empty {
		return list
	}
	changed := s.data == sourcetest.Changed
	switch query {
	case "max by (job) (w)", "up":
		for _, job := range []string{"checkout", "cart", "quiet"} {
			add("1", "job", job)
		}
	case "max by (job) (a)":
		add(map[bool]string{false: "3", true: "4"}[changed], "job", "checkout")
		if !changed {
			add("7", "job", "cart")
		}
	case "sum by (job) (increase(b[1d]))":
		add("0.5", "job", "checkout")
		add(map[bool]string{false: "2.5", true: "NaN"}[changed], "job", "cart")
	case "max by (job) (increase(c[1d]))":
		add(map[bool]string{false: "0", true: "1"}[changed], "job", "checkout")
	default:
		if !strings.Contains(query, `({job="chekout"})`) { // which is looked up, and not there
			s.fail("query " + query)
		}
	}
	if s.data == manySeries {
		for n := range many {
			add("1", "job", manyName(n))
		}
	}
	return list
}

// matrix answers the question for firing alerts.
func (s *contractServer) matrix(start, end int64) []any {
	list := []any{}
	add := func(metric map[string]string, from, until time.Time) {
		values := [][2]any{}
		for at := max(start, from.Unix()); at <= min(end, until.Unix(), s.now().Unix()); at += 60 {
			values = append(values, [2]any{at, "1"})
		}
		if len(values) > 0 {
			list = append(list, map[string]any{"metric": metric, "values": values})
		}
	}
	alert := func(name, job string) map[string]string {
		return map[string]string{"__name__": "ALERTS", "alertstate": "firing", "alertname": name, "job": job,
			"severity": "page"}
	}
	add(map[string]string{"readiness_witness": "up"}, time.Unix(start, 0), time.Unix(end, 0))
	if s.data == sourcetest.Empty {
		return list
	}
	ends := noon.Add(2 * time.Minute)
	add(alert("Old", "checkout"), noon.Add(-30*time.Hour), noon.Add(-29*time.Hour))
	add(alert("Lasting", "cart"), noon.Add(-2*time.Hour), ends)
	add(alert("New", "checkout"), noon.Add(time.Minute), noon.Add(3*time.Minute))
	if s.data == manySeries {
		for n := range many {
			add(alert("Many", manyName(n)), noon.Add(-time.Hour), noon.Add(-30*time.Minute))
		}
	}
	return list
}

// rules are all in one group.
func (s *contractServer) rules() []any {
	if s.data == sourcetest.Empty {
		return []any{}
	}
	rule := func(name, job string) map[string]any {
		return map[string]any{
			"type": "alerting", "name": name, "query": fmt.Sprintf(`errors{job=%q} > 1`, job), "health": "ok",
			"labels": map[string]string{"severity": "page"}, "annotations": map[string]string{"summary": "It fails."},
		}
	}
	rules := []any{rule("Fails", "checkout"), rule("Slow", "checkout"), rule("Fails", "cart")}
	if s.data == sourcetest.Changed {
		rules = append(rules[1:], rule("Quiet", "quiet"))
	}
	return []any{map[string]any{"name": "g", "rules": rules}}
}
