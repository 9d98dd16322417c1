package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Gap is one thing that services lack, with the checks that it keeps from a pass.
type Gap struct {
	// CatalogKey is the key of catalog entries that is not filled in; several that are
	// needed are joined by "and", several of which one is enough by "or". Empty where
	// an exporter is missing.
	CatalogKey string `json:"catalog_key,omitempty"`
	// Exporter is what gives no data; empty where a key is missing.
	Exporter string `json:"exporter,omitempty"`
	// Services lack it, in name order.
	Services []string `json:"services"`
	// Checks are the ids of those that it blocks for one of the services, in framework
	// order.
	Checks []string `json:"checks"`
	// Badge is the lowest badge that one of the checks is needed for.
	Badge string `json:"badge"`
}

// NewGaps finds what services lack: keys of their catalog entries, and data of
// exporters that answer nothing about them. What most services lack comes first. In
// a snapshot without evidence only keys are lacking. It is pure.
func NewGaps(s *snapshot.Snapshot) []Gap {
	found := map[lacking]*gapSets{}
	for i := range s.Services {
		service := &s.Services[i]
		notMeasurable := s.NotMeasurableFor(service)
		for k := range service.Card.Checks {
			r := &service.Card.Checks[k]
			if notMeasurable[r.Check.ID] || r.Status != scoring.Fail && r.Status != scoring.Unknown {
				continue
			}
			for _, what := range lackedBy(s, service, r) {
				if found[what] == nil {
					found[what] = &gapSets{services: map[string]bool{}, checks: map[string]bool{}}
				}
				found[what].services[service.Entry.Name] = true
				found[what].checks[r.Check.ID] = true
			}
		}
	}
	gaps, checks := []Gap{}, s.Checks()
	for what, sets := range found {
		gaps = append(gaps, sets.gap(checks, what))
	}
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(len(b.Services), len(a.Services)), cmp.Compare(badgeNamed(a.Badge), badgeNamed(b.Badge)),
			cmp.Compare(len(b.Checks), len(a.Checks)), cmp.Compare(a.what(), b.what()))
	})
	return gaps
}

// lacking names what is lacking.
type lacking struct{ key, exporter string }

// gapSets are the services that lack something, and the checks by their id.
type gapSets struct {
	services map[string]bool
	checks   map[string]bool
}

// gap is what is lacking, with its checks in the order of all checks.
func (g *gapSets) gap(checks []*framework.Check, what lacking) Gap {
	out := Gap{CatalogKey: what.key, Exporter: what.exporter, Services: slices.Sorted(maps.Keys(g.services))}
	lowest := framework.Diamond
	for _, check := range checks {
		if g.checks[check.ID] {
			out.Checks = append(out.Checks, check.ID)
			lowest = min(lowest, check.NeededFor())
		}
	}
	out.Badge = lowest.String()
	return out
}

// lackedBy is what a check that does not pass lacks of a service.
func lackedBy(s *snapshot.Snapshot, service *snapshot.Service, r *scoring.CheckResult) []lacking {
	facts := s.Framework.Facts()
	lacks := undeclared(facts, service, r)
	for _, index := range r.Missing {
		o := observationOf(service.Evidence, index)
		switch reasonOf(o, s.At) {
		case evidence.MissingNoReference:
			if o != nil {
				lacks = append(lacks, lacking{key: strings.Join(o.CatalogKeys, " or ")})
			}
		case evidence.MissingNoData:
			lacks = append(lacks, lacking{exporter: exporterOf(facts.At(index))})
		}
	}
	return slices.DeleteFunc(lacks, func(what lacking) bool { return what == lacking{} })
}

// undeclared are the keys that the entry leaves out and that the verdict rests on.
func undeclared(facts *evidence.Facts, service *snapshot.Service, r *scoring.CheckResult) []lacking {
	var lacks []lacking
	when := r.Check.When
	if when != nil && service.Entry.ExposureAssumed && strings.Contains(when.Source, "service.exposure") {
		// The check may apply only because the exposure was assumed.
		lacks = append(lacks, lacking{key: "exposure"})
	}
	first, last := asked(r)
	for i := first; i <= last && i < len(r.Check.Proofs); i++ {
		for _, index := range r.Check.Proofs[i].Pass.Facts {
			o := observationOf(service.Evidence, index)
			if o != nil && o.Value.Kind() == evidence.KindBool && o.Value.Number() == 0 {
				lacks = append(lacks, lacking{key: catalog.FactKey(facts.At(index).Name)})
			}
		}
	}
	return lacks
}

// exporterOf says what would give a fact that a source answered nothing about.
func exporterOf(d evidence.Definition) string {
	switch d.Pack {
	case framework.AttestationPack, catalog.SourceID:
		return ""
	case "pagerduty", "jira":
		return d.Needs
	}
	switch {
	case d.Needs != "":
		return d.Needs
	case len(d.Exporters) > 0:
		return "data of " + strings.Join(d.Exporters, " or ")
	}
	return "series of the preset " + d.Pack
}

func (g Gap) what() string {
	if g.CatalogKey != "" {
		return "catalog key " + g.CatalogKey
	}
	return g.Exporter
}

// maxGaps bounds how many gaps a table lists.
const maxGaps = 20

// WriteGaps writes the gaps as one table: what is missing, how many services lack it,
// and what it blocks. It writes nothing when there is none.
func WriteGaps(w io.Writer, gaps []Gap, style Style) error {
	p := &prose{style: style}
	writeGaps(p, gaps)
	return flush(w, p.b.String(), "table of what is missing")
}

func writeGaps(p *prose, gaps []Gap) {
	if len(gaps) == 0 {
		return
	}
	shown := gaps
	if !p.style.All {
		shown = gaps[:min(len(gaps), maxGaps)]
	}
	p.heading("WHAT IS MISSING, AND WHAT IT BLOCKS")
	t := &grid{columns: []column{
		{head: "MISSING", min: 26, whole: true}, {head: "SERVICES", right: true}, {head: "FROM BADGE"},
		{head: "CHECKS", min: 22, whole: true, fold: true},
	}}
	for _, g := range shown {
		badge := badgePaint(g.Badge).on(titled(g.Badge), p.style)
		t.rows = append(t.rows, []string{clean(g.what()), clean(strconv.Itoa(len(g.Services))), badge,
			clean(checksText(g.Checks))})
	}
	p.table(t)
	if more := len(gaps) - len(shown); more > 0 {
		p.wrapped(dim, fmt.Sprintf("and %d more that fewer services lack", more))
	}
}

// checksText names the first checks.
func checksText(ids []string) string {
	const most = 3
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}
