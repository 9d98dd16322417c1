package prometheus_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

func TestLoadNamesTheMistake(t *testing.T) {
	good := "preset: p\n" + fact("x.n", "int", "job", first, "unknown")
	boolean := func(query string) string { return "preset: p\n" + fact("x.n", "bool", "job", query, "unknown") }
	replace := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"empty":                   {"", "f.yaml:1: the file is empty"},
		"no YAML":                 {"a: [", "f.yaml:1: this is not YAML"},
		"a list":                  {"- a", "f.yaml:1: want keys with values, got a list"},
		"unknown key":             {replace("help:", "hlep:"), `f.yaml:5: unknown key "hlep", did you mean "help"?`},
		"unknown key of provider": {replace("via:", "vai:"), `f.yaml:8: unknown key "vai", did you mean "via"?`},
		"unknown key of absent": {replace("absent: unknown", "absent: {value: 0, wittness: x}"),
			`f.yaml:6: unknown key "wittness", did you mean "witness"?`},
		"an alias": {replace("help: a number", "help: &a x\n    unit: *a"),
			"f.yaml:6: aliases are not supported"},
		"two documents": {good + "---\npreset: q\n", "f.yaml:9: a second YAML document begins here"},
		"no preset":     {replace("preset: p", "help: p"), "f.yaml:1: preset is missing"},
		"no facts":      {"preset: p\n", "f.yaml:1: facts is missing"},
		"unknown type": {replace("type: int", "type: itn"),
			`fact x.n: type "itn", did you mean "int"?: want bool, int or double`},
		"bad name": {replace("x.n", "N"), `f.yaml:3: fact name "N"`},
		"unknown join": {replace("join: job", "join: jobb"),
			`f.yaml:8: fact x.n: provider 1: unknown join "jobb", did you mean "job"?`},
		"bad PromQL": {replace(first, "max by (job (a)"), "f.yaml:8: fact x.n: provider 1: query: 1:"},
		"a scalar":   {replace(first, "time()"), "it gives a scalar: want an instant vector"},
		"a range":    {replace(first, "a[5m]"), "it gives a range vector: want an instant vector"},
		"labels lost": {replace(first, "sum(a)"),
			"its series have no labels: join job needs those that the catalog matches on"},
		"the wrong labels": {strings.Replace(replace("join: job", "join: workload"), first,
			"sum by (namespace, pod) (a)", 1), "its series have no label workload or deployment"},
		"each for everybody": {replace("join: job", "join: cluster"),
			"its series differ by job, and join cluster takes each for every service"},
		"no query": {replace(first, ""), "query is missing"},
		"no providers": {"preset: p\nfacts:\n  - {name: x.n, type: int, help: h, absent: unknown}\n",
			"f.yaml:3: fact x.n: providers is missing"},
		"declared twice": {good + strings.TrimPrefix(fact("x.n", "int", "job", first, "unknown"), "facts:\n"),
			"f.yaml:9: fact x.n is declared twice, first in line 3"},
		"absent without witness": {replace("absent: unknown", "absent: {value: 0}"),
			"witness is missing: no data is evidence only where something proves"},
		"unknown witness": {replace("absent: unknown", "absent: {value: 0, witness: w}"), `unknown witness "w"`},
		"another absent word": {replace("absent: unknown", "absent: none"),
			`f.yaml:6: facts[0].absent: want unknown, or a value with the witness that makes it evidence, got "none"`},
		"no absent": {replace("    absent: unknown\n", ""), "absent is missing"},
		"absent of another type": {"preset: p\nwitnesses: {w: {join: job, query: 'up'}}\n" +
			fact("x.n", "bool", "job", first, "{value: 2, witness: w}"), `absent: value "2" is no bool`},
		"an idle witness": {"witnesses: {w: {join: job, query: 'up'}}\n" + good,
			"f.yaml:1: no fact uses the witness w"},
		"clock without unit": {replace("type: int", "type: double\n    clock: elapsed"),
			"a fact with a clock is a double with unit"},
		"remember without clock": {replace("type: int", "type: double\n    remember: newest"),
			"remember needs clock: elapsed"},
		"unknown memory": {replace("type: int", "type: double\n    remember: neewst"),
			`remember "neewst", did you mean "newest"?`},
		"a mean without window": {replace("type: int", "type: double\n    remember: mean"), "remember: mean needs window"},
		"a mean over an hour": {replace("type: int", "type: double\n    remember: mean\n    window: 1h"),
			"its window is whole days, two at least"},
		"a mean of counts": {replace("type: int", "type: int\n    remember: mean\n    window: 90d"),
			"remembers a mean is a double without a clock"},
		"unknown combination": {replace("type: int", "type: int\n    combine: both"), `combine "both": want first`},
		"a bad time": {replace("type: int", "type: int\n    fresh_for: soon"),
			`fresh_for "soon": want a time such as`},
		"a bare comparison": {boolean("max by (job) (a) > 1"),
			"drops the series for which it is false, so that false looks like no data: write > bool"},
		"in parentheses":    {boolean("(max by (job) (a) == 1)"), "write == bool"},
		"in an aggregation": {boolean("max by (job) (a == 1)"), "write == bool"},
		"in a label change": {boolean(`label_replace(max by (job) (a) != 1, "x", "y", "job", ".*")`), "write != bool"},
		"on one side of or": {boolean("max by (job) (a) or max by (job) (b) < 1"), "write < bool"},
		"before and":        {boolean("max by (job) (a) >= 1 and max by (job) (b)"), "write >= bool"},
		"in a product":      {boolean("max by (job) ((a == 1) * on (job) b)"), "write == bool"},
		"of a preset": {strings.Replace(good, "x.n", "k8s.zones", 1),
			"f.yaml:3: fact k8s.zones is already declared in preset kubernetes: give name and providers alone"},
		"of the rules": {"preset: p\nfacts:\n  - {name: alert.rules, providers: [{via: a, join: job, query: '" +
			first + "'}]}\n", "comes from the rules API and takes no providers"},
		"providers of nobody": {"preset: p\nfacts:\n  - {name: k8s.zone, providers: [{via: a, join: job, query: '" +
			first + "'}]}\n", `fact k8s.zone has no type, and no preset declares it, did you mean "k8s.zones"?`},
		"a bare added provider": {
			"preset: p\nfacts:\n  - {name: deploy.automated, providers: [{via: a, join: job, query: 'max by (job) (a) > 0'}]}\n",
			"fact deploy.automated: provider \"a\": the comparison",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := prometheus.Load(nil, []prometheus.File{{Name: "f.yaml", Data: []byte(c.text)}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error\n  %v\nwants\n  %s", err, c.want)
			}
		})
	}
	if _, err := prometheus.Load([]string{"kubernets"}, nil); err == nil ||
		!strings.Contains(err.Error(), `unknown preset "kubernets", did you mean "kubernetes"?`) {
		t.Errorf("error %v", err)
	}
}

func TestBooleansMayCompareWhereTheyDoNotDrop(t *testing.T) {
	for _, query := range []string{
		"max by (job) (a) > bool 1",
		"max by (job) (a == bool 1)",
		"max by (job) (a) unless max by (job) (b) > 1",
		"max by (job) (a > 0) == bool 1",
	} {
		load(t, fact("x.n", "bool", "job", query, "unknown"))
	}
	load(t, fact("x.n", "double", "job", "max by (job) (a) > 0", "unknown"))
}

func TestAFileMayAddProvidersToAPreset(t *testing.T) {
	const own = "max by (project) (deployed_by_robot)"
	file := prometheus.File{Name: "f.yaml",
		Data: []byte("preset: ours\nfacts:\n  - name: deploy.automated\n    providers: [{via: robot, join: gitlab, query: '" +
			own + "'}]\n")}
	for _, c := range []struct {
		presets []string
		// want is what is said of a service that both providers know, and of
		// one that only the preset's do.
		both, preset string
	}{
		{nil, "false", "no_data"},
		{[]string{"delivery"}, "false", "true"},
	} {
		t.Run(fmt.Sprint(c.presets), func(t *testing.T) {
			facts, err := prometheus.Load(c.presets, []prometheus.File{file})
			if err != nil {
				t.Fatal(err)
			}
			w := start(t, facts, []*catalog.Service{{Name: "both", GitLab: "shop/both"},
				{Name: "preset", GitLab: "shop/preset"}})
			w.server.intercept = func(key string) *reply {
				switch {
				case strings.Contains(key, "readiness_window"):
					return nil
				case key == own:
					return &reply{200, success(t, `{project="shop/both"} 0`)}
				case c.presets == nil:
					t.Errorf("asked for a preset that is not configured: %s", key)
				case strings.Contains(key, "gitlab_ci_environment_deployment_status"):
					return &reply{200, success(t, "{project=\"shop/both\"} 1\n{project=\"shop/preset\"} 1")}
				}
				return &reply{200, success(t, "")}
			}
			r := w.collect()
			r.want(t, "both", map[string]string{"deploy.automated": c.both})
			r.want(t, "preset", map[string]string{"deploy.automated": c.preset})
			for _, d := range facts.Definitions() {
				if d.Name == "deploy.automated" && (d.Pack != "delivery" || d.Kind != evidence.KindBool) {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

// TestADefinitionHasItsQuery: whatever changes the answer changes the hash, and
// nothing else does.
func TestADefinitionHasItsQuery(t *testing.T) {
	const text = `preset: ours
witnesses:
  w: {join: workload, query: "group by (namespace, workload) (kube_ours)"}
facts:
  - name: ours.calls
    type: int
    help: Calls.
    absent: {value: 0, witness: w}
    providers: [{via: ours, join: workload, query: "max by (namespace, workload) (ours)"}]
`
	hash := func(text string) string {
		t.Helper()
		facts, err := prometheus.Load(nil, []prometheus.File{{Name: "f.yaml", Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return facts.Definitions()[0].Hash()
	}
	for name, c := range map[string]struct {
		old, with string
		same      bool
	}{
		"the query":       {"(ours)", "(ours > 1)", false},
		"its join":        {"{via: ours, join: workload,", "{via: ours, join: namespace,", false},
		"the witness":     {"(kube_ours)", "(kube_theirs)", false},
		"what absence is": {"value: 0", "value: 1", false},
		"no absence":      {"absent: {value: 0, witness: w}", "absent: {value: 7, witness: w}", false},
		"the merge":       {"type: int", "type: int\n    merge: max", false},
		"a combination":   {"type: int", "type: int\n    combine: all", false},
		"the memory":      {"type: int", "type: double\n    unit: days\n    clock: elapsed\n    remember: newest", false},
		"a provider":      {"providers: [", "providers: [{via: theirs, join: workload, query: theirs}, ", false},
		"spaces":          {"max by (namespace, workload) (ours)", "max  by(namespace,workload)(  ours )", true},
		"the help":        {"help: Calls.", "help: The calls.", true},
		"a note":          {"via: ours,", "via: ours, note: As seen,", true},
	} {
		edited := strings.Replace(text, c.old, c.with, 1)
		if edited == text {
			t.Fatalf("%s: %q is not in the file", name, c.old)
		}
		if got := hash(edited) == hash(text); got != c.same {
			t.Errorf("%s: the same hash: %v, want %v", name, got, c.same)
		}
	}
}

func TestAFileMayOverrideAPreset(t *testing.T) {
	const own, seen = "max by (namespace, workload) (ours)", "group by (namespace, workload) (kube_ours)"
	text := func(more string) prometheus.File {
		return prometheus.File{Name: "f.yaml",
			Data: []byte("preset: ours\nwitnesses:\n  w: {join: workload, query: '" + seen +
				"'}\nfacts:\n  - name: mesh.lower_env_calls_7d\n    override: true\n    absent: {value: 0, witness: w}\n" + more +
				"    providers: [{via: ours, join: workload, query: '" + own + "'}]\n")}
	}
	facts, err := prometheus.Load([]string{"mesh"}, []prometheus.File{text("")})
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) *catalog.Service {
		return &catalog.Service{Name: name, Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: name}}
	}
	w := start(t, facts, []*catalog.Service{of("called"), of("quiet"), of("unseen")})
	w.server.intercept = func(key string) *reply {
		switch {
		case strings.Contains(key, "readiness_window"):
			return nil
		case key == own:
			return &reply{200, success(t, `{namespace="shop", workload="called"} 3`)}
		case key == seen:
			return &reply{200, success(t, `{namespace="shop", workload="quiet"} 1`)}
		case strings.Contains(key, "source_workload_namespace"):
			t.Errorf("the preset's query is asked: %s", key)
		}
		return &reply{200, success(t, "")}
	}
	r := w.collect()
	for service, want := range map[string]string{"called": "3", "quiet": "0", "unseen": "no_data"} {
		r.want(t, service, map[string]string{"mesh.lower_env_calls_7d": want})
	}
	definitions, err := prometheus.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range facts.Definitions() {
		for _, known := range definitions {
			if d.Name == known.Name && d.Shape() != known.Shape() {
				t.Errorf("%s means something else now: %+v", d.Name, d)
			}
		}
	}
	if _, err := prometheus.Load([]string{"mesh"},
		[]prometheus.File{text("    unit: calls\n    type: double\n    help: x\n")}); err == nil ||
		!strings.Contains(
			err.Error(), "f.yaml:5: fact mesh.lower_env_calls_7d: override goes with name, providers and absent alone",
		) {
		t.Errorf("error %v", err)
	}
}

// TestPresetsAndFrameworkNameTheSameFacts keeps the two in step: the facts of
// the default framework's Prometheus packs, and those that are declared.
func TestPresetsAndFrameworkNameTheSameFacts(t *testing.T) {
	files, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := prometheus.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.NewFacts(definitions); err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	families := map[string]bool{}
	for _, d := range definitions {
		declared[d.Name] = true
		families[evidence.Pack(d.Name)] = true
	}
	word := regexp.MustCompile(`\b[a-z][a-z0-9]*\.[a-z][a-z0-9_]*\b`)
	used := map[string]bool{}
	for _, f := range files {
		for line := range strings.Lines(string(f.Data)) {
			_, pass, ok := strings.Cut(line, "pass:")
			for _, name := range word.FindAllString(pass, -1) {
				if ok && families[evidence.Pack(name)] {
					used[name] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if !declared[name] {
			t.Errorf("the default framework reads %s, which no preset declares", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if !used[name] {
			t.Errorf("%s is declared and no check reads it", name)
		}
	}
}

func TestEveryPresetIsListed(t *testing.T) {
	names, err := prometheus.Presets()
	if err != nil {
		t.Fatal(err)
	}
	want := "[backup chaos ci delivery kubernetes mesh probes rules security signals slo traces]"
	if got := fmt.Sprint(names); got != want {
		t.Errorf("presets %s, want %s", got, want)
	}
	for _, name := range names {
		facts, err := prometheus.Load([]string{name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range facts.Definitions() {
			if d.Pack != name || d.Help == "" || d.Absent == "" {
				t.Errorf("%s of preset %s: pack %q, help %q, absent %q", d.Name, name, d.Pack, d.Help, d.Absent)
			}
		}
	}
}

func TestTheReadmeNamesEveryJoinAndItsExampleLoads(t *testing.T) {
	data, err := os.ReadFile("presets/README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	_, table, _ := strings.Cut(text, "## Joins")
	for _, name := range prometheus.JoinNames() {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("the join %s is not in the table", name)
		}
	}
	loaded := 0
	for _, part := range strings.Split(text, "```yaml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		if !strings.HasPrefix(example, "preset:") {
			continue // a part of a file
		}
		loaded++
		if _, err := prometheus.Load(nil, []prometheus.File{{Name: "README.md", Data: []byte(example)}}); err != nil {
			t.Error(err)
		}
	}
	if loaded != 2 {
		t.Errorf("%d examples are whole files, want 2", loaded)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("preset: p\n" + fact("x.n", "int", "job", first, "unknown"))
	f.Add("preset: p\nwitnesses: {w: {join: job, query: up}}\nfacts: [{name: x.n, type: bool, help: h, clock: elapsed, absent: {value: true, witness: w}, providers: [{via: a, join: cluster, query: 'sum(a) > bool 1'}]}]")
	f.Add("facts: {a: &a [*a]}")
	f.Fuzz(func(t *testing.T, text string) {
		facts, err := prometheus.Load(nil, []prometheus.File{{Name: "f.yaml", Data: []byte(text)}})
		if err != nil {
			if !strings.Contains(err.Error(), "f.yaml") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		if _, err := evidence.NewFacts(facts.Definitions()); err != nil {
			t.Errorf("loaded facts that are none: %v", err)
		}
	})
}
