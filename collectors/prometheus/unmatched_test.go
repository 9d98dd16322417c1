package prometheus_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

func TestSeriesOfNobodyAreCounted(t *testing.T) {
	const query = "max by (namespace, workload, pod) (x)"
	it := &catalog.Service{Name: "it", Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: "it"}}
	w := start(t, load(t, fact("x.n", "int", "workload", query, "unknown")), []*catalog.Service{it})
	lines := `{namespace="shop", workload="it", pod="it-1"} 1` + "\n"
	for i := range 15 {
		for pod := range i + 1 {
			lines += fmt.Sprintf("{namespace=\"shop\", workload=\"w-%02d\", pod=\"%d\"} 1\n", i, pod)
		}
	}
	lines += `{node="n1"} 1` + "\n"
	w.server.vectors[query] = lines
	r := w.collect()
	if r.unmatched == nil || r.unmatched.Total != 121 || len(r.unmatched.Largest) != 10 {
		t.Fatalf("unmatched %+v, want 121 series and the ten largest groups", r.unmatched)
	}
	for i, g := range r.unmatched.Largest {
		want := evidence.UncountedGroup{
			Name: fmt.Sprintf("workload shop/w-%02d", 14-i), Reason: evidence.UncountedUnknownService, Count: 15 - i,
		}
		if g != want {
			t.Errorf("group %d is %+v, want %+v", i, g, want)
		}
	}
	if n := strings.Count(w.log.String(), "series of no service"); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
	w.collect()
	if n := strings.Count(w.log.String(), "series of no service"); n != 1 {
		t.Errorf("said %d times after a second round, want once", n)
	}
	w.server.vectors[query] = `{namespace="shop", workload="it", pod="it-1"} 1`
	if r = w.collect(); r.unmatched == nil || r.unmatched.Total != 0 {
		t.Errorf("unmatched %+v, want none", r.unmatched)
	}
}

// TestAStrayMayBelongToAService: a disruption budget need not have the name of its
// workload, so that one of no service leaves open whether the services of its namespace
// have one. Those elsewhere have none.
func TestAStrayMayBelongToAService(t *testing.T) {
	const query, seen = "max by (namespace, poddisruptionbudget) (x)", "max by (namespace) (y)"
	in := func(name, namespace string) *catalog.Service {
		return &catalog.Service{Name: name, Kubernetes: catalog.KubernetesRef{Namespace: namespace, Workload: name}}
	}
	facts := load(t, "witnesses:\n  seen: {help: it is seen, join: namespace, query: '"+seen+"'}\n"+
		fact("x.n", "int", "disruption_budget", query, "{value: 0, witness: seen}"))
	w := start(t, facts, []*catalog.Service{in("cart", "shop"), in("checkout", "shop"), in("search", "find")})
	w.server.vectors[seen] = "{namespace=\"shop\"} 1\n{namespace=\"find\"} 1"
	w.server.vectors[query] = `{namespace="shop", poddisruptionbudget="cart-pdb"} 1`
	r := w.collect()
	r.want(t, "checkout", map[string]string{"x.n": "0"})
	w.server.vectors[query] += "\n" + `{namespace="shop", poddisruptionbudget="protect-it"} 1`
	r = w.collect()
	r.want(t, "cart", map[string]string{"x.n": "1"})
	r.want(t, "checkout", map[string]string{"x.n": "uncounted"})
	r.want(t, "search", map[string]string{"x.n": "0"})
}

// TestAnEventInTheFutureHasNoAge: a clock that is wrong by more than clocks differ is
// counted, and makes no proof of a fresh backup.
func TestAnEventInTheFutureHasNoAge(t *testing.T) {
	w := start(t, load(t, strings.Replace(fact("x.age_hours", "double", "job", first, "unknown"), "type: double",
		"type: double\n    unit: hours\n    clock: elapsed", 1)),
		[]*catalog.Service{matched("a", "a"), matched("b", "b"), matched("c", "c")})
	w.server.vectors[first] = "{job=\"a\"} -48\n{job=\"b\"} -1\n{job=\"c\"} 5"
	r := w.collect()
	r.want(t, "a", map[string]string{"x.age_hours": "uncounted"})
	if _, ok := r.records["b x.age_hours"]; !ok {
		t.Error("clocks that differ by an hour cost a fact")
	}
	if _, ok := r.records["c x.age_hours"]; !ok {
		t.Error("an age is not recorded")
	}
	if got := r.unmatched.Reasons[evidence.UncountedInFuture]; got != 1 {
		t.Errorf("%d counted, want 1: %+v", got, r.unmatched)
	}
}

func TestTheMostCronJobsBelongToNobody(t *testing.T) {
	const query = "max by (namespace, cronjob) (x)"
	it := &catalog.Service{Name: "it", Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: "it"},
		Jobs: map[string]string{"retention": "purge"}}
	w := start(t, load(t, fact("x.n", "int", "retention_job", query, "unknown")), []*catalog.Service{it})
	w.server.vectors[query] = "{namespace=\"shop\", cronjob=\"purge\"} 1\n{namespace=\"shop\", cronjob=\"report\"} 1"
	if r := w.collect(); r.unmatched == nil || r.unmatched.Total != 0 {
		t.Errorf("unmatched %+v, want none", r.unmatched)
	}
}

func TestAnUnansweredQueryLeavesTheSeriesOfNobodyUnknown(t *testing.T) {
	w := start(t, load(t, fact("x.n", "int", "job", first, "unknown")), []*catalog.Service{matched("it", "it")})
	w.server.replies[first] = reply{422, `{"status":"error","errorType":"execution","error":"too many samples"}`}
	if r := w.collect(); r.unmatched != nil {
		t.Errorf("unmatched %+v, want nothing said", r.unmatched)
	}
}

func TestWhatIsNoNumberIsCounted(t *testing.T) {
	w := start(t, load(t, fact("x.n", "double", "job", first, "unknown")),
		[]*catalog.Service{matched("a", "a"), matched("b", "b"), matched("c", "c")})
	w.server.vectors[first] = "{job=\"a\"} NaN\n{job=\"b\"} +Inf\n{job=\"c\"} 1\n{job=\"nobody\"} NaN"
	r := w.collect()
	r.want(t, "a", map[string]string{"x.n": "nan"})
	r.want(t, "b", map[string]string{"x.n": "nan"})
	r.want(t, "c", map[string]string{"x.n": "1"})
	if len(r.skipped) != 2 || r.skipped["nan_sample"] != 1 || r.skipped["infinite_sample"] != 1 {
		t.Errorf("skipped %v", r.skipped)
	}
}

// TestAHistogramIsNoNumber: a native histogram has no value to go by.
func TestAHistogramIsNoNumber(t *testing.T) {
	w := start(t, load(t, fact("x.n", "double", "job", first, "unknown")), []*catalog.Service{matched("a", "a")})
	w.server.replies[first] = reply{
		200,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"histogram":[1772625600,{"count":"3","sum":"2","buckets":[[0,"0","1","3"]]}]}]}}`,
	}
	r := w.collect()
	r.want(t, "a", map[string]string{"x.n": "nan"})
	if r.skipped["histogram_sample"] != 1 {
		t.Errorf("skipped %v", r.skipped)
	}
}

// TestRemarksAreCounted: warnings of the engine say that samples were left out.
func TestRemarksAreCounted(t *testing.T) {
	w := start(t, load(t, fact("x.n", "double", "job", first, "unknown")), []*catalog.Service{matched("a", "a")})
	w.server.replies[first] = reply{
		200,
		`{"status":"success","warnings":["PromQL warning: encountered a mix of histograms and floats"],"infos":["PromQL info: metric might not be a counter"],"data":{"resultType":"vector","result":[]}}`,
	}
	r := w.collect()
	if r.err != nil || r.skipped["promql_warning"] != 1 || len(r.skipped) != 1 {
		t.Errorf("skipped %v, error %v", r.skipped, r.err)
	}
	for _, want := range []string{"mix of histograms and floats", "might not be a counter"} {
		if strings.Count(w.log.String(), want) != 1 {
			t.Errorf("%q is not logged once:\n%s", want, w.log)
		}
	}
	w.collect()
	if n := strings.Count(w.log.String(), "might not be a counter"); n != 1 {
		t.Errorf("a lasting remark is logged %d times in two rounds", n)
	}
}

// TestASeriesThatTheEngineLeavesOutIsNotAbsent: its warning says that there may be more
// than the answer has.
func TestASeriesThatTheEngineLeavesOutIsNotAbsent(t *testing.T) {
	const seen = "group by (job) (y)"
	w := start(t, load(t, "witnesses:\n  seen: {help: it is seen, join: job, query: '"+seen+"'}\n"+
		fact("x.n", "int", "job", first, "{value: 0, witness: seen}")),
		[]*catalog.Service{matched("a", "a"), matched("b", "b")})
	w.server.vectors[seen] = "{job=\"a\"} 1\n{job=\"b\"} 1"
	answer := success(t, `{job="b"} 4`)
	for remark, want := range map[string]string{
		`"warnings":["PromQL warning: encountered a mix of histograms and floats"],`: "partial",
		`"infos":["PromQL info: metric might not be a counter"],`:                    "0",
	} {
		w.server.replies[first] = reply{200, strings.Replace(answer, "{", "{"+remark, 1)}
		r := w.collect()
		r.want(t, "a", map[string]string{"x.n": want})
		r.want(t, "b", map[string]string{"x.n": "4"})
	}
}

// TestANumberThatIsTooLargeIsNone: it has no place in a count.
func TestANumberThatIsTooLargeIsNone(t *testing.T) {
	w := start(t, load(t, fact("x.n", "int", "job", first, "unknown")), []*catalog.Service{matched("a", "a")})
	w.server.vectors[first] = `{job="a"} 1e300`
	w.collect().want(t, "a", map[string]string{"x.n": "nan"})
}
