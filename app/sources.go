package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// kind is one kind of source: the facts it can ever give, and how to make the
// configured instances.
type kind struct {
	definitions func(*config.Valid) ([]evidence.Definition, error)
	instances   func(*config.Valid, sourceDeps) ([]instance, error)
}

// kinds lists every kind of source there is. A new one is a file like
// source_pagerduty.go and a line here.
func kinds() []kind {
	return []kind{pagerdutyKind(), jiraKind(), prometheusKind()}
}

// instance is one configured source with its schedule.
type instance struct {
	source   collectors.Source
	schedule cron.Schedule
	timeout  time.Duration
}

// sourceDeps is what sources are made with.
type sourceDeps struct {
	options Options
	// observe measures requests; nil measures none.
	observe func(transport.Observation)
	// circuit is told when a source's circuit opens and closes; it may be nil.
	circuit func(source string, open bool)
	// attestations are the claims that the framework's proofs read.
	attestations []framework.Attestation
	// checks are the ids of the framework's checks.
	checks []string
}

// schedule parses what the configuration has checked.
func schedule(spec string) (cron.Schedule, error) {
	parsed, err := config.ParseSchedule(spec)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", spec, err)
	}
	return parsed, nil
}

// upstream is what the transport of every source is made from.
type upstream struct {
	id     string
	client config.HTTPClient
	// authorize gives the Authorization header of a request; nil leaves it to
	// client.
	authorize func() (string, error)
	// tokenInBody sends the client's secret in the body of requests for a token.
	tokenInBody      bool
	rate             config.Rate
	maxResponseBytes int64
	// template names calls; nil for transport.DefaultTemplate.
	template func(*http.Request) string
}

func (d sourceDeps) httpClient(u upstream) (*http.Client, error) {
	out := transport.Config{
		Source: u.id, HTTP: u.client, RatePerMinute: u.rate.PerMinute, BudgetShare: u.rate.Share,
		MaxResponseBytes: u.maxResponseBytes, Observe: d.observe, TokenInBody: u.tokenInBody, Authorize: u.authorize, Template: u.template,
	}
	if d.circuit != nil {
		out.Circuit = func(open bool) { d.circuit(u.id, open) }
	}
	return transport.New(out)
}

// addDefinitions adds the definitions of one source. Two sources may answer one
// fact with different queries, which are then all part of its definition. Two
// shapes of one name are an error: records would be read with the wrong unit.
func addDefinitions(all, more []evidence.Definition, whose string) ([]evidence.Definition, error) {
	at := make(map[string]int, len(all))
	for i, d := range all {
		at[d.Name] = i
	}
	for _, d := range more {
		i, known := at[d.Name]
		switch {
		case !known:
			at[d.Name] = len(all)
			all = append(all, d)
		case all[i].Shape() != d.Shape():
			return nil, fmt.Errorf("facts of %s: %s is declared elsewhere with another type, unit or window; give it a name of its own", whose, d.Name)
		case all[i].Query == "":
			all[i].Query = d.Query
		case d.Query != "" && !slices.Contains(strings.Split(all[i].Query, otherSource), d.Query):
			queries := append(strings.Split(all[i].Query, otherSource), d.Query)
			slices.Sort(queries)
			all[i].Query = strings.Join(queries, otherSource)
		}
	}
	return all, nil
}

// otherSource separates the queries of different sources in a definition.
const otherSource = "\nOTHER SOURCE\n"

// addUnasked adds the definitions that no configured source has, so that a
// framework may ask for them: their checks are not measurable.
func addUnasked(all, embedded []evidence.Definition) []evidence.Definition {
	asked := make(map[string]bool, len(all))
	for _, d := range all {
		asked[d.Name] = true
	}
	for _, d := range embedded {
		if !asked[d.Name] {
			all = append(all, d)
		}
	}
	return all
}
