package correlation

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// TestWhatGoesTogether: services of tier 1 have four times as many incidents and pass
// more. Within tiers those that fail the one check have twice as many, and the other
// check says nothing.
func TestWhatGoesTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	in := CrossInput{Since: ago(200 * day)}
	var incidents []Incident
	for s := range 200 {
		name := fmt.Sprintf("s%03d", s)
		tier := 1 + s%2
		in.Services = append(in.Services, &catalog.Service{Name: name, Tier: tier})
		standing := Standing{Service: name, Since: ago(300 * day), HasScore: true, Score: 0.3, Badge: framework.Bronze}
		rate := 10.0
		if tier == 1 {
			rate, standing.Score = 40, 0.5
		}
		put := func(check string, fails bool) {
			if fails {
				standing.Failing = append(standing.Failing, check)
			} else {
				standing.Passing = append(standing.Passing, check)
			}
		}
		fails := random.Float64() < 0.3
		if fails {
			rate *= 2
			standing.Score -= 0.2
		}
		put("rel.predicts", fails)
		put("rel.says-nothing", random.Float64() < 0.5)
		// It says which tier a service is of, and nothing else.
		put("rel.of-the-tier", tier == 1 == (random.Float64() < 0.9))
		put("rel.all-fail", true)
		standing.Score += random.Float64() / 100
		in.Standings = append(in.Standings, standing)
		for range int(rate + math.Sqrt(rate)*random.NormFloat64()) {
			began := time.Duration(random.Float64() * 200 * float64(day))
			incidents = append(incidents, lasted(name, began, time.Hour))
		}
	}
	in.Incidents = pointers(incidents)
	got := CompareServices(in, noon)
	byCheck := map[string]CheckAssociation{}
	for _, c := range got.Checks {
		byCheck[c.Check] = c
	}
	if c := byCheck["rel.predicts"]; !c.Known || c.Ratio.Excludes(2) || c.Ratio.Lower < 1.5 || c.Adjusted > 0.001 || c.NoRelation {
		t.Errorf("the check that predicts: %+v", c)
	}
	for _, check := range []string{"rel.says-nothing", "rel.of-the-tier"} {
		if c := byCheck[check]; !c.Known || c.Ratio.Excludes(1) || !c.NoRelation {
			t.Errorf("the check that says nothing within tiers: %+v", c)
		}
	}
	if c := byCheck["rel.all-fail"]; c.Known || c.NoRelation || c.FailingServices != 200 {
		t.Errorf("a check that all fail cannot be compared: %+v", c)
	}
	i := slices.IndexFunc(got.Correlations, func(c Correlation) bool { return c.Outcome == IncidentRate })
	if i < 0 {
		t.Fatalf("correlations %+v", got.Correlations)
	}
	if c := got.Correlations[i]; c.Spearman.Upper > -0.3 || c.Services != 200 {
		t.Errorf("services with a higher score have less: %+v", c)
	}
	if len(got.Badges) != 2 || got.Badges[0].Tier != 1 || got.Badges[0].Services != 100 {
		t.Fatalf("badges %+v", got.Badges)
	}
	if rate, known := got.Badges[0].Rate(); !known || rate < 0.2 || rate > 0.35 {
		t.Errorf("tier 1 has %g episodes a day and service, want about 0.26", rate)
	}
}

// TestAnEpisodeCountsForWhatWasBefore: the badge is lost at the moment at which an incident
// begins.
func TestAnEpisodeCountsForWhatWasBefore(t *testing.T) {
	got := CompareServices(CrossInput{
		Services: []*catalog.Service{{Name: "a", Tier: 1}, {Name: "unjudged", Tier: 1}},
		Standings: []Standing{
			{Service: "a", Since: ago(10 * day), Badge: framework.Silver},
			{Service: "a", Since: ago(40 * day), Badge: framework.Gold},
			{Service: "a", Since: ago(-day), Badge: framework.Diamond},
		},
		Incidents: pointers([]Incident{
			lasted("a", 10*day, time.Hour), lasted("a", 9*day, time.Hour), lasted("a", 35*day, time.Hour),
			lasted("unjudged", day, time.Hour),
		}),
		Since: ago(30 * day),
	}, noon)
	want := []string{"silver 10 days: 1", "gold 20 days: 1"}
	var badges []string
	for _, b := range got.Badges {
		badges = append(badges, fmt.Sprintf("%s %.0f days: %d", b.Badge, b.ServiceDays, b.Episodes))
	}
	if !slices.Equal(badges, want) {
		t.Errorf("%v, want %v", badges, want)
	}
}

// TestClustersAreNotManyEpisodes: of a hundred services one has half of all episodes.
// Whether it fails a check or passes says nothing.
func TestClustersAreNotManyEpisodes(t *testing.T) {
	in := CrossInput{Since: ago(100 * day)}
	var incidents []Incident
	for s := range 100 {
		name := fmt.Sprintf("s%03d", s)
		in.Services = append(in.Services, &catalog.Service{Name: name, Tier: 1})
		standing := Standing{Service: name, Since: ago(100 * day), Passing: []string{"x"}}
		if s%2 == 0 {
			standing.Failing, standing.Passing = standing.Passing, nil
		}
		in.Standings = append(in.Standings, standing)
		n := 3
		if s == 0 {
			n = 300
		}
		for i := range n {
			incidents = append(incidents, lasted(name, time.Duration(i%90+1)*day-time.Hour, time.Hour))
		}
	}
	in.Incidents = pointers(incidents)
	c := CompareServices(in, noon).Checks[0]
	if c.Ratio.Value < 2.5 || c.Ratio.Lower > 1 || c.Dispersion < 10 || c.Adjusted < 0.05 {
		t.Errorf("one service makes a difference: %+v", c)
	}
}

// TestSidesWithHardlyAnyTimeAreNotCompared: where services failed a check, or passed it, for
// so short a time that hardly an episode was to be expected, no ratio says anything. Where
// many were to be expected and none came, it does.
func TestSidesWithHardlyAnyTimeAreNotCompared(t *testing.T) {
	in := CrossInput{Since: ago(100 * day)}
	var incidents []Incident
	for s := range 40 {
		name := fmt.Sprintf("s%03d", s)
		in.Services = append(in.Services, &catalog.Service{Name: name, Tier: 1})
		before := Standing{
			Service: name, Since: ago(100 * day), Passing: []string{"fails-at-last"}, Failing: []string{"passes-at-last"},
		}
		at := Standing{Service: name, Since: ago(time.Hour), Passing: before.Failing, Failing: before.Passing}
		for _, standing := range []*Standing{&before, &at} {
			if s%2 == 0 {
				standing.Failing = append([]string{"quiet"}, standing.Failing...)
				continue
			}
			standing.Passing = append([]string{"quiet"}, standing.Passing...)
		}
		in.Standings = append(in.Standings, before, at)
		for i := range s % 2 * 5 {
			incidents = append(incidents, lasted(name, time.Duration(i+2)*day, time.Hour))
		}
	}
	in.Incidents = pointers(incidents)
	known := map[string]bool{}
	for _, c := range CompareServices(in, noon).Checks {
		known[c.Check] = c.Known
		if c.Known && (c.Ratio.Upper > 0.5 || c.Ratio.Value > 0) {
			t.Errorf("services without an episode: %+v", c)
		}
	}
	if want := map[string]bool{"quiet": true, "fails-at-last": false, "passes-at-last": false}; !maps.Equal(known, want) {
		t.Errorf("compared are %v, want %v", known, want)
	}
}
