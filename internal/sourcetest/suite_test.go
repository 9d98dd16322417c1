package sourcetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/fault"
	"github.com/prodready/collector/internal/race"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// upstream lists the names that exist, and numbered incidents after a number.
type upstream struct{ data Data }

const perPage = 2

func (u upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	names, incidents := []string{"cart", "checkout"}, 5
	switch u.data {
	case Changed:
		names, incidents = []string{"checkout", "search"}, 8
	case Empty:
		names, incidents = []string{}, 0
	}
	var answer any = map[string]any{"names": names}
	if r.URL.Path == "/incidents" {
		after, err := strconv.Atoi(r.URL.Query().Get("after"))
		if err != nil {
			http.Error(w, "after", http.StatusBadRequest)
			return
		}
		list := []int{}
		for n := after + 1; n <= min(after+perPage, incidents); n++ {
			list = append(list, n)
		}
		answer = map[string]any{"incidents": list, "last": incidents}
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// flaw is what a source does wrong.
type flaw string

// source is as little of a source as the contract has something to say about.
type source struct {
	address string
	client  *http.Client
	flaw    flaw
	stop    <-chan struct{}
}

func (s *source) ID() string                            { return "small/main" }
func (s *source) Answers(*catalog.Service, string) bool { return true }
func (s *source) Facts() []evidence.Definition {
	return []evidence.Definition{{
		Name: "small.exists", Kind: evidence.KindBool, Help: "Whether it exists.", Pack: "small", Absent: "false",
	}}
}

// ask decodes an answer that has the field.
func (s *source) ask(ctx context.Context, path, field string, into any) error {
	call := "GET /" + path[:strings.IndexByte(path+"?", '?')]
	failed := func(reason evidence.Reason, status int, err error) error {
		if s.flaw == "reason" {
			reason = evidence.ReasonRejected
		}
		if s.flaw == "plain error" {
			return err
		}
		return &collectors.CallError{Reason: reason, Call: call, Status: status, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+"/"+path, nil)
	if err != nil {
		return failed(evidence.ReasonRejected, 0, err)
	}
	if s.flaw == "goroutine" {
		go func() { <-s.stop }()
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return failed(collectors.ReasonOf(ctx, err), 0, errors.New("no answer"))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return failed(collectors.ReasonOfStatus(resp.StatusCode), resp.StatusCode, errors.New(resp.Status))
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/json" && s.flaw != "any type" {
		if s.flaw == "another type" {
			return json.Unmarshal([]byte(`{"names":[],"incidents":[]}`), into)
		}
		return failed(evidence.ReasonUndecodable, resp.StatusCode, errors.New("not JSON but "+kind))
	}
	var answer map[string]json.RawMessage
	err = json.NewDecoder(resp.Body).Decode(&answer)
	if errors.Is(err, io.EOF) && s.flaw == "no bytes" {
		return json.Unmarshal([]byte(`{"names":[],"incidents":[]}`), into)
	}
	if err != nil {
		return failed(evidence.ReasonUndecodable, resp.StatusCode, err)
	}
	if len(answer[field]) == 0 {
		return failed(evidence.ReasonUndecodable, resp.StatusCode, errors.New("no "+field))
	}
	for name, raw := range answer {
		if name != field && name != "last" {
			continue
		}
		if err := json.Unmarshal(fmt.Appendf(nil, `{%q:%s}`, name, raw), into); err != nil {
			return failed(evidence.ReasonUndecodable, resp.StatusCode, err)
		}
	}
	return nil
}

func (s *source) Collect(ctx context.Context, req collectors.Request, emit func(evidence.Batch) error) error {
	send := func(b evidence.Batch) error {
		if err := emit(b); err != nil {
			return &collectors.CallError{Reason: evidence.ReasonStore, Call: "store", Err: err}
		}
		return nil
	}
	var listed struct {
		Names *[]string `json:"names"`
	}
	err := s.ask(ctx, "names", "names", &listed)
	if err == nil && listed.Names == nil {
		err = &collectors.CallError{Reason: evidence.ReasonUndecodable, Call: "GET /names", Err: errors.New("no list")}
	}
	if err == nil || s.flaw == "absence" {
		if err := send(s.exists(req, listed.Names)); err != nil {
			return err
		}
	}
	if err != nil && s.flaw == "age" {
		if err := send(evidence.Batch{Covered: s.exists(req, nil).Covered}); err != nil {
			return err
		}
	}
	if err != nil {
		if ctx.Err() != nil || collectors.ReasonOf(ctx, err) == evidence.ReasonUnauthorized {
			return err
		}
		return errors.Join(err, s.incidents(ctx, req, send))
	}
	return s.incidents(ctx, req, send)
}

// Verify looks the names of services up.
func (s *source) Verify(ctx context.Context, services []*catalog.Service) []collectors.Verified {
	const what = "names"
	users := collectors.NameUsers{}
	for _, service := range services {
		users.Add(service.Name, "service "+service.Name)
	}
	var listed struct {
		Names []string `json:"names"`
	}
	if err := s.ask(ctx, "names", "names", &listed); err != nil && s.flaw != "lost names" {
		return []collectors.Verified{{What: what, Err: err}}
	}
	suggest := collectors.Nearest(listed.Names)
	if s.flaw == "no suggestion" {
		suggest = func(string) string { return "" }
	}
	return []collectors.Verified{users.LookUp(what, "there is no such name",
		func(name string) bool { return s.flaw == "any name" || slices.Contains(listed.Names, name) }, suggest)}
}

func (s *source) exists(req collectors.Request, names *[]string) evidence.Batch {
	there := map[string]bool{}
	if names != nil {
		for _, name := range *names {
			there[name] = true
		}
	}
	b := evidence.Batch{Covered: []evidence.Coverage{{Group: "names", Facts: []string{"small.exists"}, At: req.Now}}}
	for _, service := range req.Services {
		b.Records = append(b.Records, evidence.Record{
			Service: service.Name, Fact: "small.exists", Value: evidence.Bool(there[service.Name]), Source: s.ID(),
			Detail: "the list of names", ObservedAt: req.Now,
		})
	}
	return b
}

// incidents goes on after the cursor, page by page.
func (s *source) incidents(ctx context.Context, req collectors.Request, send func(evidence.Batch) error) error {
	at, _ := strconv.Atoi(req.Cursors["after"])
	for {
		var page struct {
			Incidents *[]int `json:"incidents"`
			Last      int    `json:"last"`
		}
		err := s.ask(ctx, fmt.Sprintf("incidents?after=%d", at), "incidents", &page)
		if err == nil && page.Incidents == nil {
			err = &collectors.CallError{Reason: evidence.ReasonUndecodable, Call: "GET /incidents", Err: errors.New("no list")}
		}
		if err != nil && s.flaw == "silence" {
			return nil
		}
		if err != nil {
			return err
		}
		b := evidence.Batch{}
		for _, n := range *page.Incidents {
			b.Incidents = append(
				b.Incidents,
				evidence.Incident{
					Source: s.ID(), ID: strconv.Itoa(n), Services: []string{"checkout"},
					StartedAt: noon.Add(time.Duration(n-9) * time.Minute),
				},
			)
			at = max(at, n)
		}
		cursors := map[string]string{"after": strconv.Itoa(at)}
		if s.flaw == "cursor" {
			if err := send(evidence.Batch{Cursors: cursors}); err != nil {
				return err
			}
		}
		b.Cursors = cursors
		if err := send(b); err != nil && s.flaw != "store" {
			return err
		}
		if len(*page.Incidents) == 0 || at >= page.Last {
			return nil
		}
	}
}

func small(t *testing.T, wrong flaw) Subject {
	t.Helper()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	// Of the one that says that it reads answers of any type, whether it does.
	var means map[string]evidence.Reason
	if wrong == "another type" {
		means = map[string]evidence.Reason{WrongType: ""}
	}
	return Subject{
		Start:    noon,
		Services: []*catalog.Service{{Name: "cart"}, {Name: "checkout"}, {Name: "search"}},
		Upstream: func(data Data, _ func() time.Time, _ func(string)) http.Handler { return upstream{data} },
		Source: func(address string, client *http.Client, _ func() time.Time) (collectors.Source, error) {
			return &source{address: address, client: client, flaw: wrong, stop: stop}, nil
		},
		Calls: []Call{
			{Name: "GET /names", Reasons: means}, {Name: "GET /incidents", Optional: "no fact is made of incidents"},
		},
		Form: fault.Form{},
		WrongNames: []WrongName{{Name: "chekout", Nearest: `"checkout"`, User: "service chekout",
			Service: &catalog.Service{Name: "chekout"}}},
		Impossible: map[string]string{
			"nothing is there any more": "incidents are never taken back",
		},
	}
}

func TestTheContractHoldsForASmallSource(t *testing.T) { Run(t, small(t, "")) }

func TestEveryFlawIsFound(t *testing.T) {
	race.Skip(t, "TestTheContractHoldsForASmallSource takes the same ways")
	for wrong, where := range map[flaw]string{
		"any name":      "a wrong name/chekout",
		"lost names":    "a wrong name/no answer",
		"no suggestion": "a wrong name/chekout",
		"absence":       "first/500/GET /names/always",
		"another type":  "later/" + WrongType + "/GET /names/always",
		"any type":      "first/" + WrongType + "/GET /names/always",
		"no bytes":      "first/no bytes/GET /names/always",
		"age":           "later/500/GET /names/always",
		"cursor":        "first/the process ends before a batch",
		"goroutine":     "first/500/GET /names/always",
		"plain error":   "first/500/GET /names/always",
		"reason":        "first/403/GET /names/always",
		"silence":       "first/500/GET /incidents/always",
		"store":         "first/the store refuses a batch",
	} {
		t.Run(string(wrong), func(t *testing.T) {
			s, err := newSuite(t.Context(), small(t, wrong), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			tried, found := 0, 0
			for _, c := range s.cases() {
				if !strings.HasPrefix(c.name, where) {
					continue
				}
				tried++
				if faults := runAlone(c); len(faults) > 0 {
					found++
				}
			}
			if found == 0 {
				t.Errorf("%d cases of %q, and none of them finds it", tried, where)
			}
		})
	}
}

func TestASubjectThatIsNotSoundIsRefused(t *testing.T) {
	subject := small(t, "")
	subject.Calls = append(subject.Calls, Call{Name: "GET /nowhere"})
	s, err := newSuite(t.Context(), subject, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if faults := runAlone(s.healthyCase()); len(faults) != 1 || !strings.Contains(faults[0], "GET /nowhere") {
		t.Errorf("%q", faults)
	}
}

func TestALargeDataSetSaysWhatMustBeStored(t *testing.T) {
	for _, tc := range []struct {
		large Large
		wants string
	}{
		{Large{Data: Normal, Incidents: 5, Records: map[string]int{"small.exists": 3}}, ""},
		{Large{Data: Normal}, "says nothing"},
		{Large{Data: Normal, Incidents: 6}, "5 incidents"},
		{Large{Data: Normal, Incidents: 5, Alerts: 1}, "0 firings"},
		{
			Large{Data: Normal, Incidents: 5, Records: map[string]int{"small.exists": 4}},
			"3 services have a value of small.exists, want 4",
		},
	} {
		s, err := newSuite(t.Context(), small(t, ""), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.large(tc.large) {
			faults := runAlone(c)
			if len(faults) != min(len(tc.wants), 1) || tc.wants != "" && !strings.Contains(faults[0], tc.wants) {
				t.Errorf("%+v: %s finds %q, want %q", tc.large, c.name, faults, tc.wants)
			}
		}
	}
}

func TestASampleTakesEveryWayOnce(t *testing.T) {
	var names []string
	for _, c := range sample([]testCase{
		{"a", []string{"refused", "first"}, nil}, {"b", []string{"refused"}, nil}, {"large", nil, nil},
		{"c", []string{"refused", "later"}, nil}, {"d", []string{"canceled"}, nil},
	}) {
		names = append(names, c.name)
	}
	if got := strings.Join(names, " "); got != "a c d" {
		t.Errorf("the sample is %q", got)
	}
}
