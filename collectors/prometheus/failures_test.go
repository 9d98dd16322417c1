package prometheus_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
)

// pairOfFacts has a fact behind each of two queries.
func pairOfFacts() string {
	return strings.Replace(fact("x.good", "int", "job", first, "unknown"), "facts:\n",
		"facts:\n"+strings.TrimPrefix(fact("x.bad", "int", "job", second, "unknown"), "facts:\n"), 1)
}

func TestAFailedQueryCostsItsOwnFact(t *testing.T) {
	for name, c := range map[string]struct {
		reply reply
		want  string
		text  string
	}{
		"bad data": {reply{400, `{"status":"error","errorType":"bad_data","error":"parse error"}`},
			"query rejected", "x.bad: bad_data: parse error"},
		"execution": {reply{422, `{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}`},
			"query rejected", "many-to-many"},
		"the server gave up": {reply{503, `{"status":"error","errorType":"timeout","error":"query timed out"}`},
			"query timeout", "timed out"},
		"overloaded": {reply{503, `busy`}, "query server_error", "HTTP 503"},
		"not JSON":   {reply{200, `<html>please log in</html>`}, "query undecodable", "invalid character"},
		"cut JSON": {reply{200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":`},
			"query undecodable", ""},
		"a matrix": {reply{200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`},
			"query undecodable", "no vector"},
		"a store is down": {
			reply{
				200,
				`{"status":"success","warnings":["receiver 2: connection refused"],"data":{"resultType":"vector","result":[]}}`,
			},
			"query incomplete", "receiver 2",
		},
		"too many requests": {reply{429, `slow down`}, "query rate_limited", "HTTP 429"},
		"an error that is ok": {reply{200, `{"status":"error","errorType":"execution","error":"half done"}`},
			"query rejected", "half done"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, load(t, pairOfFacts()), []*catalog.Service{matched("it", "it")})
			w.server.vectors[first] = `{job="it"} 1`
			w.server.replies[second] = c.reply
			r := w.collect()
			if got := calls(r.err); got != c.want {
				t.Errorf("the round failed with %q, want %q: %v", got, c.want, r.err)
			}
			if !strings.Contains(r.err.Error(), c.text) {
				t.Errorf("error %q wants %q", r.err, c.text)
			}
			r.want(t, "it", map[string]string{"x.good": "1", "x.bad": "not covered"})
		})
	}
}

func TestARemarkOfTheEngineIsNoFailure(t *testing.T) {
	w := start(t, load(t, fact("x.n", "int", "job", first, "unknown")), []*catalog.Service{matched("it", "it")})
	w.server.replies[first] = reply{
		200,
		`{"status":"success","warnings":["PromQL warning: mixed"],"infos":["PromQL info: no counter"],"data":{"resultType":"vector","result":[{"metric":{"job":"it"},"value":[1,"2"]}]}}`,
	}
	for range 3 {
		r := w.collect()
		if r.err != nil {
			t.Fatal(r.err)
		}
		r.want(t, "it", map[string]string{"x.n": "2"})
	}
	if n := strings.Count(w.log.String(), "no counter"); n != 1 {
		t.Errorf("the remark is in the log %d times:\n%s", n, w.log)
	}
}

func TestAServerThatAnswersNothingIsAskedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		reply reply
		want  string
	}{
		"401":   {reply{401, "no"}, "query unauthorized"},
		"403":   {reply{403, "no"}, "query forbidden"},
		"404":   {reply{404, "no"}, "query not_found"},
		"login": {reply{200, "<html>"}, "query undecodable"},
	} {
		t.Run(name, func(t *testing.T) {
			facts, err := prometheus.Load([]string{"kubernetes", "rules"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			w := start(t, facts, []*catalog.Service{matched("it", "it")})
			sent := 0
			w.server.intercept = func(key string) *reply {
				if !strings.Contains(key, "readiness_window") && key != "/prefix/api/v1/query" {
					t.Errorf("asked %s after the first query had failed", key)
				}
				sent++
				return &c.reply
			}
			r := w.collect()
			if got := calls(r.err); got != c.want {
				t.Errorf("the round failed with %q, want %q", got, c.want)
			}
			if len(r.covered) > 0 || sent > 2 {
				t.Errorf("%d groups covered after %d requests", len(r.covered), sent)
			}
		})
	}
}

func TestAQueryThatIsRefusedForItsCostDoesNotStopTheOthers(t *testing.T) {
	text := strings.Replace(fact("x.now", "int", "job", first, "unknown"), "facts:\n",
		"facts:\n"+strings.TrimPrefix(fact("x.week", "int", "job", "max by (job) (max_over_time(a[7d]))", "unknown"),
			"facts:\n"), 1)
	w := start(t, load(t, text), []*catalog.Service{matched("it", "it")})
	w.server.intercept = func(key string) *reply {
		if strings.Contains(key, "readiness_window") {
			return &reply{422, `{"status":"error","errorType":"execution","error":"too many samples"}`}
		}
		return nil
	}
	w.server.vectors[first], w.server.vectors["max by (job) (max_over_time(a[7d]))"] = `{job="it"} 1`, `{job="it"} 1`
	r := w.collect()
	if got := calls(r.err); got != "query rejected" {
		t.Errorf("the round failed with %q", got)
	}
	r.want(t, "it", map[string]string{"x.now": "1", "x.week": "not covered"})
}

func TestAStoreThatFailsEndsTheRound(t *testing.T) {
	w := start(t, load(t, pairOfFacts()), []*catalog.Service{matched("it", "it")})
	w.server.vectors[first], w.server.vectors[second] = "", ""
	stored := 0
	r := w.collectWith(t.Context(), func(evidence.Batch) error { stored++; return errors.New("disk full") })
	if got := calls(r.err); got != "store batch of prometheus/main store" || stored != 1 {
		t.Errorf("the round failed with %q after %d batches", got, stored)
	}
}

func TestACancelledRoundSaysSo(t *testing.T) {
	w := start(t, load(t, pairOfFacts()), []*catalog.Service{matched("it", "it")})
	ctx, cancel := context.WithCancel(t.Context())
	w.server.intercept = func(key string) *reply {
		if !strings.Contains(key, "readiness_window") {
			cancel()
		}
		return nil
	}
	w.server.vectors[first], w.server.vectors[second] = "", ""
	r := w.collectWith(ctx, func(evidence.Batch) error { return nil })
	if got := calls(r.err); got != "query canceled" {
		t.Errorf("the round failed with %q", got)
	}
}

func TestCheck(t *testing.T) {
	w := start(t, load(t, pairOfFacts()), nil)
	w.server.vectors["vector(1)"] = "{} 1"
	if err := w.source.Check(t.Context()); err != nil {
		t.Error(err)
	}
	w.server.replies["vector(1)"] = reply{401, ""}
	if got := calls(w.source.Check(t.Context())); got != "query unauthorized" {
		t.Errorf("check failed with %q", got)
	}
}

func TestNewNamesEveryWrongOption(t *testing.T) {
	_, err := prometheus.New(prometheus.Options{URL: "prometheus:9090", Concurrency: -1})
	for _, want := range []string{"name is missing", "HTTP client is missing", "facts are missing",
		"URL is not an address", "must not be negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v wants %q", err, want)
		}
	}
}
