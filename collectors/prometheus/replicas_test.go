package prometheus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
)

// TestCopiesOfReplicasAreOneSeries: replicas that write to one storage leave a copy of
// each series there. What is summed counts once: the larger of two counts, the younger
// of two ages, and the number where a copy is none.
func TestCopiesOfReplicasAreOneSeries(t *testing.T) {
	aged := strings.Replace(fact("x.n", "double", "job", first, "unknown"), "type: double",
		"type: double\n    unit: hours\n    clock: elapsed\n    merge: max", 1)
	for name, c := range map[string]struct{ facts, answer, want string }{
		"two copies": {fact("x.n", "int", "job", first, "unknown"),
			`{job="a", pod="1", prometheus_replica="p-0"} 4
			{job="a", pod="1", prometheus_replica="p-1"} 5
			{job="a", pod="2", prometheus_replica="p-1"} 2`, "7"},
		"every label of the list": {fact("x.n", "int", "job", first, "unknown"),
			`{job="a", replica="0", cluster_replica="x", receive_replica="0"} 4
			{job="a", replica="1", cluster_replica="y", receive_replica="1"} 4`, "4"},
		"another label is no replica": {fact("x.n", "int", "job", first, "unknown"),
			"{job=\"a\", pod=\"1\"} 4\n{job=\"a\", pod=\"2\"} 4", "8"},
		"a copy that is no number": {fact("x.n", "int", "job", first, "unknown"),
			"{job=\"a\", replica=\"0\"} NaN\n{job=\"a\", replica=\"1\"} 3", "3"},
		"ages": {aged, "{job=\"a\", replica=\"0\"} +Inf\n{job=\"a\", replica=\"1\"} 0",
			noon.Format("2006-01-02T15:04:05Z07:00")},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, load(t, c.facts), []*catalog.Service{matched("a", "a")})
			w.server.vectors[first] = c.answer
			got := w.collect().records["a x.n"].Value
			if got.String() != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestReplicaLabelsAreConfigured: a list of one's own replaces the default one.
func TestReplicaLabelsAreConfigured(t *testing.T) {
	w := start(t, load(t, fact("x.n", "int", "job", first, "unknown")), []*catalog.Service{matched("a", "a")},
		func(o *prometheus.Options, _ *server) { o.ReplicaLabels = []string{"copy"} })
	w.server.vectors[first] = `{job="a", copy="1", replica="1"} 1
		{job="a", copy="2", replica="1"} 1
		{job="a", copy="1", replica="2"} 1`
	w.collect().want(t, "a", map[string]string{"x.n": "2"})
}

// TestPresetsLeaveOutTheSameLabels: a sum in a preset is over series without their
// copies, by the labels that the configuration has by default.
func TestPresetsLeaveOutTheSameLabels(t *testing.T) {
	files, err := filepath.Glob("presets/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, n := strings.Join(config.DefaultPrometheus().ReplicaLabels, ", "), 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(data), "without (") {
			if i > 0 && !strings.HasPrefix(part, want+")") {
				t.Errorf("%s: without (%.40s…: want %s", file, part, want)
			}
			n += min(i, 1)
		}
	}
	if n == 0 {
		t.Error("no preset leaves copies out")
	}
}
