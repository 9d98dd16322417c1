package prometheus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
)

const (
	first    = "max by (cluster, job) (a)"
	second   = "max by (cluster, job) (b)"
	watching = "group by (cluster, job) (w)"
)

// two is a fact with two providers and further keys.
func two(kind, keys string) string {
	return fmt.Sprintf(`
witnesses:
  seen: {help: the exporter sees it, join: job, query: '%s'}
facts:
  - name: x.n
    type: %s
    help: a number
    %s
    providers:
      - {via: a, join: job, query: '%s'}
      - {via: b, join: job, query: '%s'}
`, watching, kind, strings.ReplaceAll(keys, "\n", "\n    "), first, second)
}

// inTwoClusters is a service whose production is in eu and us.
func inTwoClusters(name, job string) *catalog.Service {
	s := &catalog.Service{Name: name}
	for _, cluster := range []string{"eu", "us"} {
		s.Prometheus = append(s.Prometheus, catalog.PrometheusRef{Cluster: cluster, Matchers: map[string]string{"job": job}})
	}
	return s
}

func TestAnswers(t *testing.T) {
	const zero, unknown = "absent: {value: 0, witness: seen}", "absent: unknown"
	for name, c := range map[string]struct {
		kind, keys          string
		a, b, witness, want string
		clusters            bool
	}{
		"a number":               {kind: "int", keys: zero, a: `{job="it"} 4`, want: "4"},
		"no data, and a witness": {kind: "int", keys: zero, witness: `{job="it"} 1`, want: "0"},
		"no data, and a witness of another": {kind: "int", keys: zero, witness: `{job="other"} 1`,
			want: "no_data"},
		"no data and no witness asked for": {kind: "int", keys: unknown, want: "no_data"},
		"a value of absence other than zero": {kind: "double", keys: "absent: {value: -1, witness: seen}",
			witness: `{job="it"} 1`, want: "-1"},
		"absent is true": {kind: "bool", keys: "absent: {value: true, witness: seen}",
			witness: `{job="it"} 1`, want: "true"},
		"not a number": {kind: "double", keys: zero, a: `{job="it"} NaN`,
			witness: `{job="it"} 1`, want: "nan"},
		"infinite counts are no numbers": {kind: "int", keys: zero, a: `{job="it"} +Inf`, want: "nan"},
		"a division by zero is no number": {kind: "double", keys: zero, a: `{job="it"} +Inf`,
			witness: `{job="it"} 1`, want: "nan"},
		"nor is a negative one": {kind: "double", keys: zero, a: `{job="it"} -Inf`,
			witness: `{job="it"} 1`, want: "nan"},
		"elapsed: an infinite age is never": {kind: "double", keys: unknown + "\nclock: elapsed\nunit: days",
			a: `{job="it"} +Inf`, want: "never"},
		"the oldest of two: never decides": {kind: "double", keys: unknown + "\nclock: elapsed\nunit: days",
			clusters: true, a: `{job="it", cluster="eu"} +Inf`, want: "never"},
		"the newest of two: never does not decide": {kind: "double",
			keys: unknown + "\nclock: elapsed\nunit: days\nmerge: min", clusters: true, a: `{job="it", cluster="eu"} +Inf`,
			want: "partial"},
		"a finite number does not decide": {kind: "double", keys: unknown + "\nmerge: max", clusters: true,
			a: `{job="it", cluster="eu"} 1e9`, want: "partial"},
		"one false of all decides": {kind: "bool", keys: unknown + "\nmerge: all", clusters: true,
			a: `{job="it", cluster="eu"} 0`, want: "false"},
		"one series of two is no number": {kind: "double", keys: unknown,
			a: "{job=\"it\"} 1\n{job=\"it\", cluster=\"b\"} NaN", want: "nan"},
		"any is decided by one true": {kind: "bool", keys: unknown,
			a: "{job=\"it\"} NaN\n{job=\"it\", cluster=\"b\"} 1", want: "true"},
		"a boolean is false at zero": {kind: "bool", keys: unknown, a: `{job="it"} 0`, want: "false"},
		"counts add up": {kind: "int", keys: unknown,
			a: "{job=\"it\", cluster=\"a\"} 2\n{job=\"it\", cluster=\"b\"} 3", want: "5"},
		"doubles take the least": {kind: "double", keys: unknown,
			a: "{job=\"it\", cluster=\"a\"} 2\n{job=\"it\", cluster=\"b\"} 3", want: "2"},
		"or the most": {kind: "double", keys: unknown + "\nmerge: max",
			a: "{job=\"it\", cluster=\"a\"} 2\n{job=\"it\", cluster=\"b\"} 3", want: "3"},
		"all is false by one": {kind: "bool", keys: unknown + "\nmerge: all",
			a: "{job=\"it\", cluster=\"a\"} 1\n{job=\"it\", cluster=\"b\"} 0", want: "false"},
		"the first provider wins": {kind: "int", keys: unknown, a: `{job="it"} 4`, b: `{job="it"} 7`,
			want: "4"},
		"the second is asked where the first has nothing": {kind: "int", keys: zero, a: `{job="other"} 4`, b: `{job="it"} 7`,
			witness: `{job="it"} 1`, want: "7"},
		"all providers together": {kind: "double", keys: unknown + "\ncombine: all",
			a: `{job="it"} 4`, b: `{job="it"} 3`, want: "3"},
		"rounded": {kind: "double", keys: unknown + "\nround: 0.1",
			a: `{job="it"} 0.26`, want: "0.3"},
		"every cluster answers": {kind: "int", keys: zero, clusters: true,
			a: "{job=\"it\", cluster=\"eu\"} 2\n{job=\"it\", cluster=\"us\"} 3", want: "5"},
		"one cluster is silent": {kind: "int", keys: zero, clusters: true,
			a: `{job="it", cluster="eu"} 2`, want: "partial"},
		"one cluster has none, seen by the witness": {kind: "int", keys: zero, clusters: true,
			a: `{job="it", cluster="eu"} 2`, witness: `{job="it", cluster="us"} 1`, want: "2"},
		"one cluster decides": {kind: "bool", keys: unknown, clusters: true,
			a: `{job="it", cluster="eu"} 1`, want: "true"},
		"one cluster does not decide": {kind: "bool", keys: unknown, clusters: true,
			a: `{job="it", cluster="eu"} 0`, want: "partial"},
		"a series without cluster belongs to both, once": {kind: "int", keys: zero, clusters: true, a: `{job="it"} 2`,
			want: "2"},
		"clusters may be watched by different providers": {kind: "int", keys: unknown, clusters: true,
			a: `{job="it", cluster="eu"} 2`, b: `{job="it", cluster="us"} 4`, want: "6"},
		"elapsed: two days ago": {kind: "double", keys: unknown + "\nclock: elapsed\nunit: days",
			a: `{job="it"} 2`, want: "2026-03-02T12:00:00Z"},
		"elapsed: the oldest of two": {kind: "double", keys: unknown + "\nclock: elapsed\nunit: days",
			a: "{job=\"it\", cluster=\"a\"} 2\n{job=\"it\", cluster=\"b\"} 3", want: "2026-03-01T12:00:00Z"},
		"remaining: in a day": {kind: "double", keys: unknown + "\nclock: remaining\nunit: days",
			a: `{job="it"} 1`, want: "2026-03-05T12:00:00Z"},
		"newest: seen": {kind: "double",
			keys: unknown + "\nclock: elapsed\nunit: days\nremember: newest", a: `{job="it"} 2`, want: "2026-03-02T12:00:00Z"},
		"newest: not seen, the store remembers": {kind: "double",
			keys: unknown + "\nclock: elapsed\nunit: days\nremember: newest", want: "nothing said"},
		"newest: not a number": {kind: "double",
			keys: unknown + "\nclock: elapsed\nunit: days\nremember: newest", a: `{job="it"} NaN`, want: "nan"},
		"last_true: above zero is now": {kind: "double",
			keys: zero + "\nclock: elapsed\nunit: days\nremember: last_true", a: `{job="it"} 2.4`, want: "1"},
		"last_true: watched and not seen": {kind: "double",
			keys: zero + "\nclock: elapsed\nunit: days\nremember: last_true", witness: `{job="it"} 1`, want: "0"},
		"last_true: seen in one cluster": {kind: "double",
			keys: zero + "\nclock: elapsed\nunit: days\nremember: last_true", clusters: true, a: `{job="it", cluster="eu"} 3`,
			want: "1"},
		"last_true: one cluster is not watched": {kind: "double",
			keys: zero + "\nclock: elapsed\nunit: days\nremember: last_true", clusters: true,
			witness: `{job="it", cluster="eu"} 1`, want: "nothing said"},
		"last_true: no exporter watches": {kind: "double",
			keys: zero + "\nclock: elapsed\nunit: days\nremember: last_true", want: "nothing said"},
	} {
		t.Run(name, func(t *testing.T) {
			text := two(c.kind, c.keys)
			if !strings.Contains(c.keys, "witness") { // it has to be used
				text = text[strings.Index(text, "facts:"):]
			}
			service := matched("it", "it")
			if c.clusters {
				service = inTwoClusters("it", "it")
			}
			w := start(t, load(t, text), []*catalog.Service{service})
			w.server.vectors[first], w.server.vectors[second], w.server.vectors[watching] = c.a, c.b, c.witness
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			r.want(t, "it", map[string]string{"x.n": c.want})
		})
	}
}

func TestAServiceTheCatalogDoesNotPlaceIsExcepted(t *testing.T) {
	w := start(t, load(t, fact("x.n", "int", "job", first, "unknown")), []*catalog.Service{{Name: "it"}})
	w.server.vectors[first] = `{job="it"} 1`
	w.collect().want(t, "it", map[string]string{"x.n": "no_reference"})
}

func TestAWindowNeedsMemory(t *testing.T) {
	const count, exists = "sum by (job) (increase(a[7d]))", "max by (job) (max_over_time(a[7d]))"
	text := "witnesses:\n  seen: {join: job, query: '" + watching + "'}\n" +
		strings.Replace(fact("x.count", "int", "job", count, "{value: 0, witness: seen}"), "facts:\n",
			"facts:\n"+strings.TrimPrefix(fact("x.exists", "bool", "job", exists, "unknown"), "facts:\n"), 1)
	for name, c := range map[string]struct {
		oldest, memory time.Duration
		noUp           bool
		a              string
		want           map[string]string
	}{
		"long enough":                 {a: `{job="it"} 2`, want: map[string]string{"x.count": "2", "x.exists": "true"}},
		"quiet over the whole window": {want: map[string]string{"x.count": "0", "x.exists": "no_data"}},
		"too short": {oldest: day, a: `{job="it"} 2`,
			want: map[string]string{"x.count": "short_memory", "x.exists": "true"}},
		"too short to be quiet": {oldest: day,
			want: map[string]string{"x.count": "short_memory", "x.exists": "no_data"}},
		"too short for a false": {oldest: day, a: `{job="it"} 0`,
			want: map[string]string{"x.count": "short_memory", "x.exists": "short_memory"}},
		"a server that scrapes nothing": {noUp: true, a: `{job="it"} 2`,
			want: map[string]string{"x.count": "short_memory", "x.exists": "true"}},
		"it is configured to be long": {noUp: true, memory: 30 * day, a: `{job="it"} 2`,
			want: map[string]string{"x.count": "2"}},
		"it is configured to be too short": {memory: 6 * day, a: `{job="it"} 2`,
			want: map[string]string{"x.count": "short_memory"}},
		"exactly as long as the window is ": {oldest: 7 * day, a: `{job="it"} 2`, want: map[string]string{"x.count": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, load(t, text), []*catalog.Service{matched("it", "it")}, func(o *prometheus.Options, s *server) {
				o.Memory, s.oldest, s.noUp = c.memory, c.oldest, c.noUp
			})
			w.server.vectors[count], w.server.vectors[exists], w.server.vectors[watching] = c.a, c.a, `{job="it"} 1`
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			r.want(t, "it", c.want)
		})
	}
}

func TestARememberedFactNeedsNoMemory(t *testing.T) {
	text := "facts:\n  - name: x.n\n    type: double\n    unit: days\n    help: an age\n    clock: elapsed\n    remember: last_true\n    absent: unknown\n    providers:\n      - {via: a, join: job, query: 'max by (job) (increase(a[1d]))'}\n"
	w := start(t, load(t, text), []*catalog.Service{matched("it", "it")},
		func(_ *prometheus.Options, s *server) { s.oldest = time.Hour })
	w.server.vectors["max by (job) (increase(a[1d]))"] = `{job="it"} 3`
	w.collect().want(t, "it", map[string]string{"x.n": "1"})
	if d := w.source.Facts()[0]; d.Window != day || d.Remember != evidence.RememberLastTrue {
		t.Errorf("window %s, remember %q", d.Window, d.Remember)
	}
}

// TestAMeanIsAskedOverItsQuery: the store makes the mean, so the server's data
// has to cover a day and not the window.
func TestAMeanIsAskedOverItsQuery(t *testing.T) {
	const query = "avg_over_time(max by (job) (a > bool 0)[1d:6h])"
	text := "facts:\n  - name: x.n\n    type: double\n    help: a share\n    window: 90d\n    remember: mean\n    absent: unknown\n    providers:\n      - {via: a, join: job, query: '" + query + "'}\n"
	for oldest, want := range map[time.Duration]string{2 * day: "0.25", time.Hour: "short_memory"} {
		w := start(t, load(t, text), []*catalog.Service{matched("it", "it")},
			func(_ *prometheus.Options, s *server) { s.oldest = oldest })
		w.server.vectors[query] = `{job="it"} 0.25`
		w.collect().want(t, "it", map[string]string{"x.n": want})
		if d := w.source.Facts()[0]; d.Window != 90*day || d.Remember != evidence.RememberMean {
			t.Errorf("window %s, remember %q", d.Window, d.Remember)
		}
	}
}
