package presettest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
)

// scene is one file of testdata.
type scene struct {
	// Preset is the preset under test.
	Preset string `yaml:"preset"`
	// Interval is the distance of samples, At when everything is asked, both
	// counted from the first sample.
	Interval string `yaml:"interval"`
	At       string `yaml:"at"`
	Services []*catalog.Service
	// Series are in promtool's notation.
	Series []string `yaml:"series"`
	// Facts are what is expected by service and fact: the value, or why there is
	// none.
	Facts map[string]map[string]string `yaml:"facts"`
}

func TestPresets(t *testing.T) {
	presets, err := prometheus.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range presets {
		if name == prometheus.RulesPreset {
			continue // asks for no query
		}
		t.Run(name, func(t *testing.T) { play(t, read(t, name)) })
		t.Run(name+", stored by two replicas", func(t *testing.T) {
			s := read(t, name)
			s.Series = twice(s.Series)
			play(t, s)
		})
	}
}

// twice are the series as two replicas of a server store them in one place.
func twice(series []string) []string {
	var copies []string
	for _, s := range series {
		name, values, _ := strings.Cut(s, " ")
		if _, rest, found := strings.Cut(s, "{"); found {
			labels, after, _ := strings.Cut(rest, "} ")
			name, values = s[:strings.IndexByte(s, '{')+1]+labels+", ", after
		} else {
			name += "{"
		}
		for _, replica := range []string{"p-0", "p-1"} {
			copies = append(copies, fmt.Sprintf("%sprometheus_replica=%q} %s", name, replica, values))
		}
	}
	return copies
}

func read(t *testing.T, name string) scene {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../collectors/prometheus/presets/testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var s scene
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	if s.Preset != name {
		t.Fatalf("the file is of preset %q", s.Preset)
	}
	return s
}

func play(t *testing.T, s scene) {
	at, err := model.ParseDuration(s.At)
	if err != nil {
		t.Fatal(err)
	}
	interval, err := model.ParseDuration(s.Interval)
	if err != nil {
		t.Fatal(err)
	}
	last := strconv.Itoa(int(time.Duration(at) / time.Duration(interval)))
	load := "load " + s.Interval + "\n"
	for _, series := range s.Series {
		load += "  " + strings.ReplaceAll(series, "xN", "x"+last) + "\n"
	}
	// Series are loaded in no order, and one that begins late may come first.
	store := promqltest.LoadedStorage(
		t, load, func(o *tsdb.Options) { o.OutOfOrderTimeWindow = (400 * 24 * time.Hour).Milliseconds() },
	)
	t.Cleanup(func() { _ = store.Close() })
	now := time.Unix(0, 0).Add(time.Duration(at)).UTC()
	server := httptest.NewServer(answering(t, store))
	t.Cleanup(server.Close)

	facts, err := prometheus.Load([]string{s.Preset}, nil)
	if err != nil {
		t.Fatal(err)
	}
	source, err := prometheus.New(prometheus.Options{
		Name: "main", URL: server.URL, HTTPClient: server.Client(), Facts: facts, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	index, err := evidence.NewFacts(facts.Definitions())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	seen := map[string]bool{}
	answeredBy := map[string]string{}
	err = source.Collect(t.Context(), collectors.Request{Services: s.Services, Now: now}, func(b evidence.Batch) error {
		for _, c := range b.Covered {
			for _, fact := range c.Facts {
				for _, service := range s.Services {
					got[service.Name+" "+fact] = "nothing"
				}
				for service, why := range c.Except {
					got[service+" "+fact] = string(why)
				}
			}
		}
		for _, r := range b.Records {
			d, err := index.Lookup(r.Fact)
			if err != nil {
				t.Error(err)
				continue
			}
			got[r.Service+" "+r.Fact] = d.Read(r.Value, now).String()
			for _, via := range vias(t, s.Preset, r.Fact) {
				if strings.HasPrefix(r.Detail, via+" {") || strings.Contains(r.Detail, ": "+via+" {") {
					if key := r.Fact + " via " + via; s.Facts[r.Service][r.Fact] != "" {
						seen[key] = true
					}
					answeredBy[r.Service+" "+r.Fact] = via
				}
			}
			if strings.HasPrefix(r.Detail, "no series") {
				seen[r.Fact+" absent"] = seen[r.Fact+" absent"] || s.Facts[r.Service][r.Fact] != ""
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for service, facts := range s.Facts {
		for fact, want := range facts {
			if _, err := index.Lookup(fact); err != nil {
				t.Error(err)
			}
			if got := got[service+" "+fact]; got != want {
				t.Errorf("%s of %s is %q, want %q", fact, service, got, want)
			}
		}
	}
	for i := range index.Len() {
		complete(t, s, source, index.At(i), seen, answeredBy)
	}
}

// complete demands the cases of a fact, each among what the file expects: a
// value by every provider, a service that every provider is silent about, the
// value that absence stands for where the witness is, and nothing known where
// no series and no witness is.
func complete(
	t *testing.T, s scene, source *prometheus.Source, d evidence.Definition, seen map[string]bool,
	answeredBy map[string]string,
) {
	t.Helper()
	unknown := false
	for _, service := range s.Services {
		switch s.Facts[service.Name][d.Name] {
		case string(evidence.MissingNoData), "nothing":
			unknown = unknown || source.Answers(service, d.Name)
		}
	}
	if !unknown {
		t.Errorf("no case shows that nothing is known of %s where there is no series", d.Name)
	}
	if d.Absent != "unknown" && !seen[d.Name+" absent"] {
		t.Errorf("no case shows that %s is %s", d.Name, d.Absent)
	}
	for _, via := range vias(t, s.Preset, d.Name) {
		if key := d.Name + " via " + via; !seen[key] {
			t.Errorf("no case shows %s", key)
		}
		if !slices.ContainsFunc(s.Services, func(service *catalog.Service) bool {
			return s.Facts[service.Name][d.Name] != "" && source.Answers(service, d.Name) &&
				answeredBy[service.Name+" "+d.Name] != via
		}) {
			t.Errorf("no case shows %s without a series of %s", d.Name, via)
		}
	}
}

// vias are the names of a fact's providers, read from the preset's file.
func vias(t *testing.T, preset, fact string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "collectors", "prometheus", "presets", preset+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Facts []struct {
			Name      string
			Providers []struct{ Via string }
		}
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range file.Facts {
		for _, p := range f.Providers {
			if f.Name == fact && !slices.Contains(names, p.Via) {
				names = append(names, p.Via)
			}
		}
	}
	return names
}

// answering evaluates queries as a server does, and answers in its wire format.
func answering(t *testing.T, store storage.Storage) http.Handler {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{}),
	})
	t.Cleanup(func() { _ = engine.Close() })
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := evaluate(req, engine, store)
		if err != nil {
			t.Errorf("%s: %v", req.PostFormValue("query"), err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
}

func evaluate(req *http.Request, engine *promql.Engine, store storage.Storage) ([]byte, error) {
	if req.URL.Path != "/api/v1/query" {
		return nil, fmt.Errorf("unexpected path %s", req.URL.Path)
	}
	seconds, err := strconv.ParseFloat(req.PostFormValue("time"), 64)
	if err != nil {
		return nil, err
	}
	query, err := engine.NewInstantQuery(
		req.Context(), store, nil, req.PostFormValue("query"), time.UnixMilli(int64(seconds*1000)),
	)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	result := query.Exec(req.Context())
	vector, err := result.Vector()
	if err != nil {
		return nil, err
	}
	type sample struct {
		Metric map[string]string `json:"metric"`
		Value  [2]any            `json:"value"`
	}
	samples := []sample{}
	for _, s := range vector {
		samples = append(
			samples, sample{Metric: s.Metric.Map(), Value: [2]any{float64(s.T) / 1000, strconv.FormatFloat(s.F, 'f', -1, 64)}},
		)
	}
	return json.Marshal(map[string]any{
		"status": "success", "data": map[string]any{"resultType": "vector", "result": samples},
	})
}
