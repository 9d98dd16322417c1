package pagerduty_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// roster is an account with one policy to a service: each has the name of its
// service, its schedules a day and the people it names.
func roster(
	levels map[string][]pagerdutytest.Level, schedules ...pagerdutytest.Schedule,
) (pagerdutytest.Account, []*catalog.Service) {
	var account pagerdutytest.Account
	var services []*catalog.Service
	for name, list := range levels {
		account.Services = append(account.Services, pagerdutytest.Service{ID: "P" + name, EscalationPolicy: "E" + name})
		account.EscalationPolicies = append(
			account.EscalationPolicies, pagerdutytest.EscalationPolicy{ID: "E" + name, Levels: list},
		)
		services = append(services, refers(name, "P"+name))
	}
	account.Schedules = schedules
	return account, services
}

func TestOnCallOfAllLevels(t *testing.T) {
	full := pagerdutytest.Schedule{
		ID: "SFULL", Users: []string{"U1", "U2", "U3"}, Start: noon.Add(-100 * day), Shift: 7 * day, V3: true,
	}
	// Until 18:00 each day, from 6:00; one shift of three days is missing.
	days := pagerdutytest.Schedule{
		ID: "SDAYS", Users: []string{"U4", "U5"}, Start: noon.Add(-30 * day), Shift: day, From: 6, To: 18,
	}
	hole := full
	hole.ID, hole.Name, hole.V3, hole.Gaps = "SHOLE", "The rotation", false, []pagerdutytest.Span{
		{Start: noon.Add(3 * day), End: noon.Add(5 * day)}, {Start: noon.Add(40 * day), End: noon.Add(41 * day)},
	}
	late := full
	late.ID, late.Gaps = "SLATE", []pagerdutytest.Span{{Start: noon.Add(40 * day), End: noon.Add(41 * day)}}
	now := full
	now.ID, now.Gaps = "SNOW", []pagerdutytest.Span{{Start: noon.Add(-time.Hour), End: noon.Add(9 * time.Hour)}}
	empty := pagerdutytest.Schedule{ID: "SEMPTY"}
	on := func(schedules ...string) pagerdutytest.Level { return pagerdutytest.Level{Schedules: schedules} }
	account, services := roster(map[string][]pagerdutytest.Level{
		"deep":     {on("SFULL"), on("SDAYS"), {Users: []string{"UBOSS"}}},
		"hole":     {on("SHOLE"), on("SEMPTY")},
		"late":     {on("SLATE"), {}},
		"now":      {on("SNOW")},
		"business": {on("SDAYS")},
		"lonely":   {{Users: []string{"U9"}}},
		"empty":    {on("SEMPTY"), on("SEMPTY")},
		"none":     {},
	}, full, days, hole, late, now, empty)
	w := start(t, account, services)
	r := w.collect()
	if r.err != nil || r.groups() != every() {
		t.Fatalf("covered %q, error %v", r.groups(), r.err)
	}
	for name, want := range map[string]string{
		// level 2, least level, people, gap, gaps, longest gap, longest shift, ends without, permanent
		"deep":     "0.5 0.5 1 never 0 0 7 false false",
		"hole":     "0 0 0 2026-03-07T12:00:00Z 1 48 7 true false",
		"late":     "0 0 0 never 0 0 7 true false",
		"now":      "0 0.9875 3 0 1 9 7 false false",
		"business": "0 0.5 2 2026-03-04T18:00:00Z 30 12 0.3 false false",
		"lonely":   "0 1 1 never 0 0 90 false true",
		"empty":    "0 0 0 0 1 720 0 true false",
		"none":     "0 0 0 0 1 720 0 true false",
	} {
		var got []string
		for _, fact := range []string{
			"level2_coverage_ratio_30d", "least_level_coverage_ratio_30d", "min_people_per_level", "next_gap_hours",
			"coverage_gaps_30d",
			"longest_gap_hours_30d", "longest_shift_days", "ends_without_human", "permanent_oncall",
		} {
			got = append(got, r.value(name, fact))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"deep pagerduty.least_level_coverage_ratio_30d":     "PagerDuty service Pdeep: escalation policy Edeep: level 1 100 %, level 2 50 %, level 3 100 %",
		"deep pagerduty.min_people_per_level":               "PagerDuty service Pdeep: people of escalation policy Edeep: level 1 3, level 2 2, level 3 1",
		"deep pagerduty.ends_without_human":                 "PagerDuty service Pdeep: escalation policy Edeep: somebody is on level 3, the last",
		"hole pagerduty.ends_without_human":                 "PagerDuty service Phole: escalation policy Ehole: nobody is on level 2, the last, in the coming 30 days",
		"late pagerduty.ends_without_human":                 "PagerDuty service Plate: escalation policy Elate: level 2, the last, has no target",
		"empty pagerduty.ends_without_human":                "PagerDuty service Pempty: escalation policy Eempty: nobody is on any level in the coming 30 days",
		"hole pagerduty.next_gap_hours":                     "PagerDuty service Phole: escalation policy Ehole: nobody from 2026-03-07T12:00:00Z to 2026-03-09T12:00:00Z on The rotation, SEMPTY",
		"now pagerduty.next_gap_hours":                      "PagerDuty service Pnow: escalation policy Enow: nobody from now to 2026-03-04T21:00:00Z on SNOW",
		"none pagerduty.coverage_gaps_30d":                  "PagerDuty service Pnone: escalation policy Enone: nobody from now to beyond the coming 30 days",
		"lonely pagerduty.permanent_oncall":                 "PagerDuty service Plonely: escalation policy Elonely: somebody without a schedule on levels 1",
		"deep pagerduty.permanent_oncall":                   "PagerDuty service Pdeep: escalation policy Edeep: somebody without a schedule on levels 3",
		"business pagerduty.least_level_coverage_ratio_30d": "PagerDuty service Pbusiness: escalation policy Ebusiness: level 1 50 %",
	} {
		if got := r.records[name].Detail; got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	if got := r.records["business pagerduty.coverage_gaps_30d"].Detail; !strings.HasSuffix(
		got, "2026-03-08T18:00:00Z to 2026-03-09T06:00:00Z, and 25 more on SDAYS",
	) {
		t.Errorf("the text of gaps is %q", got)
	}

	// An hour later nothing has changed that does not move by itself.
	w.later(time.Hour)
	again := w.collect()
	for name, before := range r.records {
		if after := again.records[name]; after.Value != before.Value || after.Detail != before.Detail {
			if strings.HasPrefix(name, "now ") && strings.Contains(name, "_ratio_") ||
				strings.HasPrefix(name, "now pagerduty.longest_gap") || strings.HasPrefix(name, "hole ") &&
				strings.Contains(name, "_ratio_") {
				continue // shares of a window that moves
			}
			t.Errorf("%s became %s (%s), was %s (%s)", name, after.Value, after.Detail, before.Value, before.Detail)
		}
	}
}

// TestAGapOnTheFirstLevelAlone: level 1 is on call in office hours only and level 2
// always. PagerDuty passes the empty level at once.
func TestAGapOnTheFirstLevelAlone(t *testing.T) {
	office := pagerdutytest.Schedule{
		ID: "SOFFICE", Name: "Office hours", Users: []string{"U1"}, Start: noon.Add(-30 * day), Shift: 7 * day, From: 9, To: 17,
	}
	account, services := roster(map[string][]pagerdutytest.Level{
		"shop": {{Schedules: []string{"SOFFICE"}}, {Users: []string{"U2"}}},
	}, office)
	w := start(t, account, services)
	w.later(6 * time.Hour) // 18:00
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "shop", map[string]string{
		"oncall_now": "1", "coverage_ratio_14d": "1", "coverage_ratio_30d": "1", "coverage_gaps_30d": "0",
		"next_gap_hours": "never", "longest_gap_hours_30d": "0",
		"level1_coverage_gaps_30d": "31", "level1_coverage_ratio_14d": "0.3333",
	})
	const want = "PagerDuty service Pshop: level 1 of escalation policy Eshop: 15 gaps, the first from now to " +
		"2026-03-05T09:00:00Z on Office hours"
	if got := r.records["shop pagerduty.level1_coverage_ratio_14d"].Detail; got != want {
		t.Errorf("the detail is %q, want %q", got, want)
	}
}

func TestOnCallOfSeveralServices(t *testing.T) {
	hole := pagerdutytest.Schedule{
		ID: "SHOLE", Users: []string{"U1", "U2"}, Start: noon.Add(-100 * day), Shift: 7 * day,
		Gaps: []pagerdutytest.Span{{Start: noon.Add(3 * day), End: noon.Add(5 * day)}},
	}
	later := hole
	later.ID, later.Gaps = "SLATER", []pagerdutytest.Span{{Start: noon.Add(6 * day), End: noon.Add(7 * day)}}
	account, _ := roster(map[string][]pagerdutytest.Level{
		"hole": {{Schedules: []string{"SHOLE"}}}, "later": {{Schedules: []string{"SLATER"}}},
		"whole": {{Users: []string{"U7"}}}, "empty": {{}},
	}, hole, later)
	services := []*catalog.Service{
		refers("holes", "Pwhole", "Plater", "Phole"), refers("wholes", "Pwhole"),
		refers("emptied", "Pwhole", "Phole", "Pempty"), refers("half", "Pwhole", "PGONE"),
	}
	r := start(t, account, services).collect()
	r.want(
		t, "holes",
		map[string]string{
			"next_gap_hours": "2026-03-07T12:00:00Z", "coverage_gaps_30d": "1", "longest_gap_hours_30d": "48",
			"longest_shift_days": "90", "permanent_oncall": "true", "ends_without_human": "false", "min_people_per_level": "1",
		},
	)
	r.want(t, "wholes", map[string]string{"next_gap_hours": "never"})
	r.want(
		t, "emptied",
		map[string]string{
			"next_gap_hours": "0", "ends_without_human": "true", "least_level_coverage_ratio_30d": "0",
			"min_people_per_level": "0",
		},
	)
	r.want(t, "half", map[string]string{"next_gap_hours": "never"})
}

// A credential may see no escalation policies. What the levels of a policy are
// then is not known, and who is on call is.
func TestOnCallWithoutTheLevelsOfPolicies(t *testing.T) {
	account, _ := roster(map[string][]pagerdutytest.Level{"lonely": {{Users: []string{"U9"}}}})
	w := start(t, account, []*catalog.Service{refers("lonely", "Plonely"), refers("nobody", "PNONE")})
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /services", Body: `{"more":false,"services":[
		{"id":"Plonely","status":"active","escalation_policy":{"id":"Elonely","type":"escalation_policy_reference"}},
		{"id":"PNONE","status":"active","escalation_policy":{"id":"ENONE","type":"escalation_policy_reference"}}]}`})
	r := w.collect()
	r.want(t, "lonely", map[string]string{
		"oncall_now": "1", "next_gap_hours": "never", "ends_without_human": "no_data", "min_people_per_level": "no_data",
		"least_level_coverage_ratio_30d": "no_data", "permanent_oncall": "true",
	})
	r.want(t, "nobody", map[string]string{"oncall_now": "0", "next_gap_hours": "0", "ends_without_human": "true"})
}

func TestSetupOfServices(t *testing.T) {
	account, _ := shop()
	account.Teams = []pagerdutytest.Team{{ID: "T1"}, {ID: "T2"}}
	account.Services[0].Teams = []string{"T1", "T2"}
	var services []*catalog.Service
	for _, urgency := range []string{"high", "low", "severity_based", "support_hours", "none", "of_its_own"} {
		account.Services = append(account.Services, pagerdutytest.Service{ID: "P" + urgency, Urgency: urgency})
		services = append(services, refers(urgency, "P"+urgency))
	}
	services = append(services, refers("checkout", "PGOOD"), refers("reports", "PBAD"), refers("both", "PGOOD", "Plow"))
	r := start(t, account, services).collect()
	for service, want := range map[string]string{
		"checkout": "14400 true 2 false true", "reports": "0 true 0 false true", "both": "0 false 0 false false",
		"high": "0 false 0 false true", "low": "0 false 0 false false", "severity_based": "0 false 0 true true",
		"support_hours": "0 false 0 true true",
		"none":          "0 false 0 no_data no_data", "of_its_own": "0 false 0 no_data no_data",
	} {
		var got []string
		for _, fact := range []string{
			"auto_resolve_timeout_seconds", "auto_pause", "teams", "urgency_varies", "urgency_can_be_high",
		} {
			got = append(got, r.value(service, fact))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: %s, want %s", service, got, want)
		}
	}
	if got := r.records["support_hours pagerduty.urgency_varies"].Detail; got != "PagerDuty service Psupport_hours: urgency high within support hours, outside low" {
		t.Errorf("detail %q", got)
	}
}
