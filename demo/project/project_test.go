package project

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
)

func simulated(t *testing.T, seed uint64) *company.Company {
	t.Helper()
	c, err := company.New(company.Plan{Seed: seed, Now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheAccountIsComplete(t *testing.T) {
	c := simulated(t, 1)
	a := PagerDuty(c)
	if again := PagerDuty(simulated(t, 1)); !reflect.DeepEqual(a, again) {
		t.Error("one company has two accounts")
	}
	policies, schedules, services := map[string]bool{}, map[string]bool{}, map[string]pagerdutytest.Service{}
	for _, s := range a.Schedules {
		schedules[s.ID] = true
	}
	for _, p := range a.EscalationPolicies {
		policies[p.ID] = true
		for _, l := range p.Levels {
			for _, id := range l.Schedules {
				if !schedules[id] {
					t.Errorf("policy %s names the schedule %s, which is not there", p.ID, id)
				}
			}
		}
	}
	for _, s := range a.Services {
		services[s.ID] = s
		if !policies[s.EscalationPolicy] {
			t.Errorf("service %s names the policy %s, which is not there", s.ID, s.EscalationPolicy)
		}
	}
	if len(a.Incidents) != len(c.Incidents) {
		t.Errorf("%d incidents of %d", len(a.Incidents), len(c.Incidents))
	}
	for _, in := range a.Incidents {
		if _, ok := services[in.Service]; !ok {
			t.Errorf("incident %s happened to %q, which is not there", in.ID, in.Service)
		}
		if in.ResolvedAt.IsZero() != (in.ResolvedBy == "") {
			t.Errorf("incident %s was resolved at %s by %q", in.ID, in.ResolvedAt, in.ResolvedBy)
		}
	}
	for _, s := range c.Services {
		_, there := services[s.PagerID]
		if there == (s.Registration == company.DanglingID || s.Registration == company.NotInPagerDuty) {
			t.Errorf("%s is registered as %s and in the account: %t", s.Name, s.Registration, there)
		}
	}
}

func TestTheConfigurationIsValid(t *testing.T) {
	folder := t.TempDir()
	token := filepath.Join(folder, "token")
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		c := simulated(t, seed)
		text, err := Configuration(
			c,
			Place{
				Store: filepath.Join(folder, "x.db"), Listen: "127.0.0.1:0", PagerDutyURL: "http://127.0.0.1:1",
				PagerDutyTokenFile: token,
			},
		)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, "config.yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		valid, err := config.Load(config.Options{Path: path})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		services := valid.Catalog().Services
		if len(services) != len(c.Services) || len(valid.Catalog().Teams) != 12 {
			t.Fatalf("%d services, %d teams", len(services), len(valid.Catalog().Teams))
		}
		for i, s := range c.Services {
			got := services[i]
			team := s.TeamName
			if s.Odd == company.Orphaned {
				team = ""
			}
			if got.Name != s.Name || got.Tier != s.Tier || got.Team != team {
				t.Errorf("%s is %s of tier %d and team %s", s.Name, got.Name, got.Tier, got.Team)
			}
			for check, declared := range map[string]bool{
				"data.classified": got.DataClass != "", "data.owned": got.DataOwner != "",
				"obs.dashboard-linked": got.Dashboard != "", "cicd.source-in-version-control": got.GitHub != "",
			} {
				if s.Odd == company.Orphaned && check == "cicd.source-in-version-control" {
					declared = !declared // it is archived
				}
				if declared != s.Does(check) {
					t.Errorf("%s: %s is declared: %t, practised: %t", s.Name, check, declared, s.Does(check))
				}
			}
		}
		if len(valid.Exemptions()) != 1 {
			t.Errorf("seed %d: %d exemptions, want one", seed, len(valid.Exemptions()))
		}
	}
}

// TestSomeServicesAreLateAndSomeAreDue for their targets, whichever company it is.
func TestSomeServicesAreLateAndSomeAreDue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		c := simulated(t, seed+1)
		late, due := 0, 0
		for _, s := range c.Services {
			switch lags := s.Team.Org == company.LaggingOrg; {
			case s.Tier > 2:
			case lags && s.Goal < framework.Silver:
				late++
			case !lags && s.Goal < framework.Gold:
				due++
			}
		}
		if late == 0 || due == 0 {
			t.Errorf("seed %d: %d services are late, and %d due", seed+1, late, due)
		}
	}
}
