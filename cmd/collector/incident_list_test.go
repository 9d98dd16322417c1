package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/report"
)

// withEveryKind is an account with an incident of each kind that figures tell apart.
func (s *site) withEveryKind() {
	const service, person = "service_reference", "user_reference"
	now := time.Now().UTC().Truncate(time.Second)
	in := func(id string, ago, acknowledged, lasted time.Duration, by string) pagerdutytest.Incident {
		i := pagerdutytest.Incident{
			ID: id, Title: "Problem of " + id, Service: "PCHECK", Channel: "api", CreatedAt: now.Add(-ago), ResolvedBy: by,
		}
		if acknowledged > 0 {
			i.AcknowledgedAt = i.CreatedAt.Add(acknowledged)
		}
		if lasted > 0 {
			i.ResolvedAt = i.CreatedAt.Add(lasted)
		}
		return i
	}
	const day = 24 * time.Hour
	noted := in("QNOTED", 4*day, time.Minute, time.Hour, service)
	noted.Notes = []pagerdutytest.Note{{At: noted.CreatedAt.Add(time.Minute), Text: "Restarted it."}}
	cry := in("QFALSE", 5*day, time.Minute, 30*time.Minute, person)
	cry.Notes = []pagerdutytest.Note{{At: cry.CreatedAt.Add(time.Minute), Text: "False alarm: the probe is broken"}}
	first, second := in("QFLAPA", 6*day, time.Minute, 20*time.Minute, person), in("QFLAPB", 6*day-30*time.Minute, time.Minute,
		20*time.Minute, person)
	first.Title, second.Title = "Disk full", "Disk full"
	cart := in("QCART", 3*day, time.Minute, 2*time.Hour, person)
	cart.Service = "PCART"
	quiet := in("QQUIET", 9*day, 0, time.Hour, service)
	quiet.Urgency = "low"
	planned := in("QPLANNED", 10*day, 0, time.Minute, service)
	foreign := in("QFOREIGN", 4*day, time.Minute, time.Hour, person)
	foreign.Service = "PFOREIGN"
	old := in("QOLD", 40*day, time.Minute, time.Hour, person)
	account := twoServices([]pagerdutytest.Incident{
		in("QNOISY", 2*day, 0, 2*time.Minute, service), in("QCALM", 3*day, time.Minute, time.Hour, service), noted, cry,
		first, second, in("QOPEN", time.Hour, 0, 0, ""), in("QLATE", 8*day, time.Minute, 4*time.Hour, service), cart, quiet,
		planned, old, foreign,
	})
	account.Services = append(account.Services,
		pagerdutytest.Service{ID: "PFOREIGN", Name: "Foreign", EscalationPolicy: "ELONE"})
	account.Users = []pagerdutytest.User{{ID: "UALONE", TimeZone: "Asia/Tokyo"}}
	noisy := &account.Incidents[0]
	noisy.Notifications = []pagerdutytest.Notification{{At: noisy.CreatedAt, User: "UALONE"}}
	account.Services[0].AutoResolve = 4 * time.Hour
	account.MaintenanceWindows = []pagerdutytest.MaintenanceWindow{{
		ID: "M1", Services: []string{"PCHECK"},
		Span: pagerdutytest.Span{Start: planned.CreatedAt.Add(-time.Hour), End: planned.CreatedAt.Add(time.Hour)},
	}}
	s.vendor.SetAccount(account)
}

// names are what the listed incidents are called.
func names(list report.Incidents) string {
	var ids []string
	for _, in := range list.Incidents {
		ids = append(ids, in.Records[0].ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestIncidentsAreThoseOfTheMetrics: for each class and group the number of the metric is
// that of the summary, and of the incidents that are listed.
func TestIncidentsAreThoseOfTheMetrics(t *testing.T) {
	s := newSite(t)
	s.edit("collector.yaml", "framework:", "exposition: {detail: full}\nframework:")
	s.withEveryKind()
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	list := func(arguments ...string) (found report.Incidents) {
		t.Helper()
		out, errs, code := s.run(append([]string{"incidents", "-o", "json"}, arguments...)...)
		if err := json.Unmarshal([]byte(out), &found); code != exitOK || err != nil {
			t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
		}
		return found
	}
	daemon := s.start()
	for _, tc := range []struct{ class, want string }{
		{"", "QCALM QFALSE QFLAPA QFLAPB QLATE QNOISY QNOTED QOPEN QPLANNED QQUIET"},
		{"all", "QCALM QFALSE QFLAPA QFLAPB QLATE QNOISY QNOTED QOPEN"},
		{"noisy", "QNOISY"}, {"suspected", "QCALM"}, {"flapping", "QFLAPB"}, {"confirmed_false", "QFALSE"},
		{"any_noise", "QCALM QFALSE QFLAPB QNOISY"},
	} {
		arguments := []string{"--service", "checkout"}
		if tc.class != "" {
			arguments = append(arguments, "--class", tc.class)
		}
		found := list(arguments...)
		if got := names(found); got != tc.want {
			t.Errorf("class %q: %s, want %s", tc.class, got, tc.want)
		}
		if tc.class == "" {
			continue
		}
		number := float64(len(found.Incidents))
		got, ok := daemon.value("readiness_incident_noise", "service_name", "checkout", "window", "30d", "class", tc.class)
		if !ok || got != number {
			t.Errorf("class %q: the metric is %v (%t), %v are listed", tc.class, got, ok, number)
		}
		summary := float64(found.Figures.Classified)
		for _, n := range found.Figures.Noise {
			if n.Class == tc.class {
				summary = float64(n.Incidents)
			}
		}
		if summary != number {
			t.Errorf("class %q: the summary says %v, %v are listed", tc.class, summary, number)
		}
	}
	for _, tc := range []struct {
		scope, group string
		counted      int
	}{{"team", "payments", 10}, {"org", "shop", 10}, {"tier", "2", 1}, {"fleet", "all", 10}} {
		var arguments []string
		if tc.scope != "fleet" {
			arguments = []string{"--" + tc.scope, tc.group}
		}
		found := list(arguments...)
		metric, ok := daemon.value("readiness_group_incidents", "scope", tc.scope, "group", tc.group, "window", "30d")
		if !ok || int(metric) != tc.counted || found.Figures.Incidents != tc.counted {
			t.Errorf("%s %s: metric %v (%t), summary %+v, want %d", tc.scope, tc.group, metric, ok, found.Figures, tc.counted)
		}
		for name, value := range map[string]*float64{
			"p50": found.Figures.P50Seconds, "p90": found.Figures.P90Seconds,
		} {
			metric, ok := daemon.value("readiness_group_incident_resolution_"+name+"_seconds",
				"scope", tc.scope, "group", tc.group, "window", "30d")
			if ok != (value != nil) || ok && metric != *value {
				t.Errorf("%s %s: %s is %v (%t) as a metric and %v", tc.scope, tc.group, name, metric, ok, value)
			}
		}
	}
	// Each configured window, and how often people were interrupted, at whatever hour.
	for window, want := range map[string]int{"7d": 8, "90d": 11} {
		metric, ok := daemon.value("readiness_group_incidents", "scope", "fleet", "group", "all", "window", window)
		if found := list("--window", window); !ok || int(metric) != want || found.Figures.Incidents != want {
			t.Errorf("%s: metric %v (%t), summary %d, want %d", window, metric, ok, found.Figures.Incidents, want)
		}
	}
	interruptions, ok := daemon.value("readiness_incident_interruptions", "service_name", "checkout", "window", "30d")
	if n := list("--service", "checkout").Figures.Interruptions; !ok || interruptions != 1 || n.Business+n.Off+n.Sleep != 1 {
		t.Errorf("people were interrupted %v times (%t) as a metric, %+v", interruptions, ok, n)
	}
	if got := names(list("--service", "checkout", "--window", "90d")); !strings.Contains(got, "QOLD") {
		t.Errorf("the last 90 days: %s", got)
	}
}

// TestWhatIsSaidOfAnIncident: each time with the record that says it, why it is censored
// or left out, and where to see it.
func TestWhatIsSaidOfAnIncident(t *testing.T) {
	s := newSite(t)
	s.withEveryKind()
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	out, _, _ := s.run("incidents", "-o", "json", "--service", "checkout")
	var found report.Incidents
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatal(err)
	}
	byID := map[string]report.Incident{}
	for _, in := range found.Incidents {
		byID[in.Records[0].ID] = in
	}
	for id, want := range map[string]string{
		"QNOISY": "integration 120  ", "QFALSE": "person 1800  ", "QLATE": "timeout 14400 timeout ",
		"QPLANNED": "integration 60  maintenance",
	} {
		in := byID[id]
		if in.LastedSeconds == nil {
			t.Errorf("%s: %+v", id, in)
			continue
		}
		if got := fmt.Sprint(in.EndedBy, " ", *in.LastedSeconds, " ", in.Censored, " ", in.Excluded); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	open, cry := byID["QOPEN"], byID["QFALSE"]
	if open.Ended != nil || open.Censored != "open" || open.EndedBy != "" || open.Acknowledged != nil || !open.AcknowledgedKnown {
		t.Errorf("the open one: %+v", open)
	}
	for _, at := range []*report.IncidentTime{cry.Started, cry.Acknowledged, cry.Ended} {
		if at == nil || at.Source != "pagerduty/main" || at.Record != "QFALSE" || at.At.IsZero() {
			t.Errorf("a time of QFALSE: %+v", at)
		}
	}
	if got := cry.Records[0].URL; got != "https://example.pagerduty.com/incidents/QFALSE" {
		t.Errorf("its address is %q", got)
	}
	if byID["QQUIET"].Noise != nil || byID["QPLANNED"].Noise != nil || cry.Noise["confirmed_false"] != "yes" {
		t.Errorf("noise %v, %v and %v", byID["QQUIET"].Noise, byID["QPLANNED"].Noise, cry.Noise)
	}
	if len(found.Templates) == 0 || found.Templates[0].Title != "disk full" || found.Templates[0].Incidents != 2 {
		t.Errorf("templates %+v", found.Templates)
	}

	out, _, _ = s.run("incidents")
	for line := range strings.Lines(out) {
		if len([]rune(strings.TrimRight(line, "\n"))) > 80 {
			t.Errorf("longer than 80 columns: %s", line)
		}
	}
	if !strings.Contains(strings.Join(strings.Fields(out), " "), "1 incident of pagerduty/main could not be used") {
		t.Errorf("what belongs to no service is not counted:\n%s", out)
	}
	if !strings.HasPrefix(out, "All services, last 30d: 10 incidents, 1 open now.\n") || !strings.Contains(out, "time-out") {
		t.Errorf("the table is\n%s", out)
	}
	out, _, _ = s.run("incidents", "-o", "csv", "--service", "cart")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != len(rows[1]) || !slices.Contains(rows[1], "pagerduty/main QCART") {
		t.Errorf("the CSV has %d rows, error %v\n%s", len(rows), err, out)
	}
}

// TestWhichIncidentsCannotBeListed: the command line is refused with the nearest name.
func TestWhichIncidentsCannotBeListed(t *testing.T) {
	s := newSite(t)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	for arguments, want := range map[string]string{
		"--service chekout":              `unknown service "chekout", did you mean "checkout"?`,
		"--team payment":                 `did you mean "payments"?`,
		"--org shops":                    `did you mean "shop"?`,
		"--tier 9":                       `no service of tier "9" in the catalog`,
		"--class nosy":                   `did you mean "noisy"?`,
		"--window monthly":               `--window "monthly": want a duration such as 7d or 30d`,
		"--service checkout --team shop": "--service and --team: give one of them",
		"checkout":                       "takes no arguments",
	} {
		_, errs, code := s.run(append([]string{"incidents"}, strings.Fields(arguments)...)...)
		if code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", arguments, code, errs)
		}
	}
	out, errs, code := s.run("incidents", "--service", "cart")
	if code != exitOK || !strings.HasPrefix(out, "cart, last 30d: 0 incidents") {
		t.Errorf("none: exit %d\n%s%s", code, out, errs)
	}
	// One that cannot be read may be of any service.
	s.vendor.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: []string{`{"id": "QBAD"}`}})
	s.run("collect", "--once")
	out, errs, code = s.run("incidents", "--service", "cart")
	if code != exitOK || !strings.HasPrefix(out, "cart, last 30d: 0 known incidents (there may be more)") {
		t.Errorf("one that cannot be read: exit %d\n%s%s", code, out, errs)
	}
}
