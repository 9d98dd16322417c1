package project

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"go.yaml.in/yaml/v3"

	directory "github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	source "github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// observed is a company with its Prometheus.
type observed struct {
	company *company.Company
	server  *prometheus.Server
	api     v1.API
	client  *http.Client
	now     time.Time
}

// observe runs a company's Prometheus for the test. Rules go by the machine's
// clock, so the company lives now.
func observe(t *testing.T, seed uint64) *observed {
	t.Helper()
	o := &observed{now: time.Now()}
	var err error
	if o.company, err = company.New(company.Plan{Seed: seed, Now: o.now}); err != nil {
		t.Fatal(err)
	}
	// What hardly any service of a company lacks, two lack here.
	lack(o.company, "login", "sec.certificates-valid")
	lack(o.company, "cart", "sec.no-exposed-secrets")
	text, err := Rules(o.company)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	rules := filepath.Join(folder, "rules.yaml")
	if err := os.WriteFile(rules, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o.server, err = prometheus.Start(t.Context(), prometheus.Options{
		Dir: filepath.Join(folder, "data"), Series: Series(o.company), Rules: []string{rules}, Retention: Retention,
		Now: func() time.Time { return o.now }, Every: -1, Resolutions: prometheus.CoarseResolutions(),
	})
	if err != nil {
		t.Fatal(err)
	}
	o.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		o.client.CloseIdleConnections()
		if err := o.server.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.NewClient(client.Config{Address: o.server.URL(), Client: o.client})
	if err != nil {
		t.Fatal(err)
	}
	o.api = v1.NewAPI(c)
	return o
}

// lack takes a habit off a service.
func lack(c *company.Company, service, check string) {
	if s, ok := c.Service(service); ok {
		h := s.Practice[check]
		h.Done = false
		s.Practice[check] = h
	}
}

// catalog is the company's catalog as the collector reads it.
func (o *observed) catalog(t *testing.T) *directory.Catalog {
	t.Helper()
	folder := t.TempDir()
	token := filepath.Join(folder, "token")
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := Configuration(o.company, Place{
		Store: filepath.Join(folder, "x.db"), Listen: "127.0.0.1:0",
		PagerDutyURL: "http://127.0.0.1:1", PagerDutyTokenFile: token, PrometheusURL: o.server.URL(),
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "config.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	valid, err := config.Load(config.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	servers := valid.Sources().Prometheus
	all, err := source.Presets()
	if err != nil {
		t.Fatal(err)
	}
	if len(servers) != 1 || servers[0].URL != o.server.URL() || !slices.Equal(servers[0].Presets, all) {
		t.Errorf("the configuration asks %+v, want all presets of %s", servers, o.server.URL())
	}
	built, err := directory.Rules{Sources: valid.SourceNames()}.Build(directory.Entries{
		Services: valid.Catalog().Services, Teams: valid.Catalog().Teams,
	})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// facts runs the collector's own source over the server: fact values by service
// and name, as they would be read right now.
func (o *observed) facts(t *testing.T, c *directory.Catalog) (
	defined []evidence.Definition, values map[string]map[string]evidence.Value,
) {
	t.Helper()
	presets, err := source.Presets()
	if err != nil {
		t.Fatal(err)
	}
	set, err := source.Load(presets, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := source.New(source.Options{
		Name: "main", URL: o.server.URL(), HTTPClient: o.client, Facts: set, Now: func() time.Time { return o.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	definitions := map[string]evidence.Definition{}
	for _, d := range set.Definitions() {
		definitions[d.Name] = d
	}
	values = map[string]map[string]evidence.Value{}
	add := func(r evidence.Record) {
		if values[r.Service] == nil {
			values[r.Service] = map[string]evidence.Value{}
		}
		d := definitions[r.Fact]
		if d.Remember == evidence.RememberLastTrue {
			// The store keeps when it was last seen; what has never been seen
			// stays unknown for as long as the question looks back.
			if r.Value.Number() == 0 {
				return
			}
			r.Value = evidence.Instant(o.now)
		}
		if d.Remember == evidence.RememberMean {
			// The store makes the mean of what is seen day by day.
			share, sum := exposure(o.company)[r.Service], 0.0
			for n := range 90 {
				sum += share(o.now.Add(-time.Duration(n) * day))
			}
			r.Value, _ = d.Observe(sum/90, o.now)
		}
		values[r.Service][r.Fact] = d.Read(r.Value, o.now)
	}
	for _, r := range directory.Observe(c, o.now) {
		add(r)
	}
	err = asked.Collect(t.Context(), collectors.Request{Services: c.Services(), Now: o.now}, func(b evidence.Batch) error {
		for _, r := range b.Records {
			add(r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return set.Definitions(), values
}

// machineProof is what a machine can say about a check.
type machineProof struct {
	company.Check
	pass, when *framework.Expression
	// suffices proofs are enough, and deny nothing.
	suffices bool
}

// machineProofs are the machine proofs of the default framework that read facts
// of Prometheus.
func machineProofs(t *testing.T, facts *evidence.Facts, ours map[string]bool) []machineProof {
	t.Helper()
	compiler, err := framework.NewCompiler(facts)
	if err != nil {
		t.Fatal(err)
	}
	compile := func(text string) *framework.Expression {
		e, err := compiler.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	checks, err := company.Checks()
	if err != nil {
		t.Fatal(err)
	}
	files, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	// What a proof reads are words joined by a dot.
	words := regexp.MustCompile(`\b[a-z][a-z0-9]*\.[a-z][a-z0-9_]*\b`)
	passes, enough := map[string]string{}, map[string]bool{}
	for _, f := range files {
		var module struct {
			Checks []struct {
				ID     string
				Proofs []struct{ By, Mode, Pass string }
			}
		}
		if err := yaml.Unmarshal(f.Data, &module); err != nil {
			t.Fatal(err)
		}
		for _, c := range module.Checks {
			for _, p := range c.Proofs {
				if p.By == string(framework.ByMachine) {
					passes[c.ID], enough[c.ID] = p.Pass, p.Mode == "suffices"
				}
			}
		}
	}
	var proofs []machineProof
	for _, c := range checks {
		text, ok := passes[c.ID]
		if !ok || !slices.ContainsFunc(words.FindAllString(text, -1), func(name string) bool { return ours[name] }) {
			continue
		}
		p := machineProof{Check: c, pass: compile(text), suffices: enough[c.ID]}
		if c.When != "" {
			p.when = compile(c.When)
		}
		proofs = append(proofs, p)
	}
	return proofs
}

// TestWhatPrometheusSays looks at a few companies' Prometheus in several ways.
func TestWhatPrometheusSays(t *testing.T) {
	companies := []*observed{observe(t, 1), observe(t, 2), observe(t, 3)}
	t.Run("machines see what is practised", func(t *testing.T) { machinesSee(t, companies) })
	t.Run("queries of the exporters", func(t *testing.T) { queriesAnswer(t, companies) })
	t.Run("rules", func(t *testing.T) { rulesSay(t, companies[0]) })
}

// machinesSee judges the companies by what their Prometheus says: with the
// collector's own queries, joins and expressions over the real engine.
func machinesSee(t *testing.T, companies []*observed) {
	seen, unknown := map[string]map[framework.Truth]int{}, 0
	var proofs []machineProof
	for _, o := range companies {
		seed := o.company.Seed
		c := o.catalog(t)
		definitions, values := o.facts(t, c)
		ours := map[string]bool{}
		for _, d := range definitions {
			ours[d.Name] = true
		}
		all := slices.Concat(definitions, directory.Facts(), pagerduty.Definitions())
		document := attestations(t)
		for _, a := range document.Attestations() {
			all = append(all, a.Fact)
		}
		facts, err := evidence.NewFacts(all)
		if err != nil {
			t.Fatal(err)
		}
		proofs = machineProofs(t, facts, ours)
		if len(proofs) < 40 {
			t.Fatalf("only %d checks read facts of Prometheus", len(proofs))
		}
		for _, s := range o.company.Services {
			entry, _ := c.Service(s.Name)
			vars := facing(t, facts, s, entry, values[s.Name])
			for _, p := range proofs {
				truth, err := p.pass.Eval(vars)
				if err != nil {
					t.Errorf("%s: %s: %v", s.Name, p.ID, err)
				}
				if !applies(t, p, s, vars) {
					continue
				}
				if seen[p.ID] == nil {
					seen[p.ID] = map[framework.Truth]int{}
				}
				seen[p.ID][truth]++
				strongest := p.Proofs[0] == framework.ByMachine
				switch {
				case truth == framework.True && !s.Does(p.ID):
					t.Errorf(
						"seed %d: %s does not do %s, and a machine says so\n%v", seed, s.Name, p.ID, named(facts, p.pass, values[s.Name]),
					)
				case strongest && proves(s, p.ID) && truth != framework.True:
					t.Errorf(
						"seed %d: %s (tier %d, %s, %s) does %s, and no machine sees it\n%v", seed, s.Name, s.Tier, s.Runtime, s.DataClass,
						p.ID, named(facts, p.pass, values[s.Name]),
					)
				case truth == framework.False && s.Does(p.ID) && !p.suffices:
					t.Errorf(
						"seed %d: %s does %s, and a machine denies it\n%v", seed, s.Name, p.ID, named(facts, p.pass, values[s.Name]),
					)
				}
			}
		}
	}
	for _, p := range proofs {
		unknown += seen[p.ID][framework.Unknown]
		switch p.ID {
		case "cicd.source-in-version-control", "cicd.deployed-by-automation", "obs.metrics-collected", "obs.golden-signals":
			// Nothing denies these but silence.
		default:
			if seen[p.ID][framework.False] == 0 && !p.suffices {
				t.Errorf("%s is denied nowhere: %v", p.ID, seen[p.ID])
			}
		}
		if seen[p.ID][framework.True] == 0 {
			t.Errorf("%s is seen nowhere: %v", p.ID, seen[p.ID])
		}
	}
	if unknown < 100 {
		t.Errorf("%d verdicts are unknown: every team has every exporter", unknown)
	}
}

func attestations(t *testing.T) *framework.Document {
	t.Helper()
	files, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	document, err := framework.Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// facing are the facts and attributes of a service. What PagerDuty would say of
// its alerts follows its practice, so that checks of both can be told.
func facing(
	t *testing.T, facts *evidence.Facts, s *company.Service, entry *directory.Service, values map[string]evidence.Value,
) *framework.Vars {
	t.Helper()
	v := varsOver(t, facts)
	v.SetAttributes(&framework.Attributes{
		Tier: int64(entry.Tier), Runtime: entry.Runtime, Exposure: entry.Exposure, Stateful: entry.Stateful,
		DataClass: entry.EffectiveDataClass(), CoverageTarget: entry.CoverageTarget, RPOMinutes: entry.RPOMinutes,
	})
	for name, value := range values {
		i, ok := facts.Index(name)
		if !ok {
			t.Fatalf("%s is no fact", name)
		}
		v.Set(i, value)
	}
	noise := 0.6
	if s.Does("obs.noise-bounded") {
		noise = 0.05
	}
	for name, value := range map[string]float64{"pagerduty.noise_ratio_30d": noise} {
		i, _ := facts.Index(name)
		d, _ := evidence.Double(value)
		v.Set(i, d)
	}
	i, _ := facts.Index("pagerduty.adaptive_alerting")
	v.Set(i, evidence.Bool(true))
	return v
}

// smallest is a framework, which variables come from.
const smallest = `
apiVersion: readiness/v1
kind: Framework
name: smallest
version: 1.0.0
modules:
  - id: rel
    name: Reliability
    checks:
      - {id: rel.one, level: 1, title: One, proofs: [{by: catalog, pass: service.stateful}]}
`

func varsOver(t *testing.T, facts *evidence.Facts) *framework.Vars {
	t.Helper()
	document, err := framework.Parse([]framework.File{{Name: "empty.yaml", Data: []byte(smallest)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := framework.Compile(document, facts)
	if err != nil {
		t.Fatal(err)
	}
	return f.NewVars()
}

func applies(t *testing.T, p machineProof, s *company.Service, vars *framework.Vars) bool {
	t.Helper()
	if len(p.Tiers) > 0 && !slices.Contains(p.Tiers, s.Tier) {
		return false
	}
	if p.when == nil {
		return true
	}
	truth, err := p.when.Eval(vars)
	if err != nil {
		t.Fatal(err)
	}
	return truth == framework.True
}

// named are the facts that an expression reads, for messages.
func named(facts *evidence.Facts, e *framework.Expression, values map[string]evidence.Value) map[string]string {
	out := map[string]string{}
	for _, i := range e.Facts {
		name := facts.At(i).Name
		out[name] = "missing"
		if v, ok := values[name]; ok {
			out[name] = v.String()
		}
	}
	return out
}

func TestSeriesAreThoseOfTheSeed(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	read := func(seed uint64) (names []string, values []float64) {
		c, err := company.New(company.Plan{Seed: seed, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for s := range Series(c) {
			labels, err := yaml.Marshal(s.Labels)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, s.Name+" "+string(labels))
			for _, at := range []time.Duration{0, time.Minute, 30 * time.Hour, 40 * 24 * time.Hour} {
				v, _ := s.At(now.Add(-at))
				values = append(values, v)
			}
		}
		return names, values
	}
	names, values := read(5)
	again, same := read(5)
	if !slices.Equal(names, again) || !reflect.DeepEqual(values, same) {
		t.Error("one seed gives two sets of series")
	}
	if other, _ := read(6); slices.Equal(names, other) {
		t.Error("two seeds give one set of series")
	}
	if most := 56 * len(simulated(t, 5).Services); len(names) > most {
		t.Errorf("%d series, want at most %d", len(names), most)
	}
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			t.Errorf("twice: %s", n)
		}
		seen[n] = true
	}
	one, two := rules(t, 5, now), rules(t, 5, now)
	if !bytes.Equal(one, two) || bytes.Equal(one, rules(t, 6, now)) {
		t.Error("the rules are not those of the seed")
	}
}

func rules(t *testing.T, seed uint64, now time.Time) []byte {
	t.Helper()
	c, err := company.New(company.Plan{Seed: seed, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	text, err := Rules(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTheIteratorCanBeLeft is for whoever wants a few series.
func TestTheIteratorCanBeLeft(t *testing.T) {
	n := 0
	for range Series(simulated(t, 1)) {
		if n++; n == 10 {
			break
		}
	}
	if n != 10 {
		t.Errorf("%d series", n)
	}
}
