package project

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	directory "github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	source "github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
	"github.com/prodready/collector/evidence"
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
