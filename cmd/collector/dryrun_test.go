package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// dryRun is the part of the JSON that tests look at.
type dryRun struct {
	Sources []struct {
		Source     string
		StartsFrom string `json:"starts_from"`
		Error      string
		Planned    []struct{ Call, Requests, Query string }
		Requests   []struct {
			Call, Outcome string
			Count         int
		}
		Records []struct {
			Service, Fact, Unit, Group, Detail string
			Value                              any
			ObservedAt                         string `json:"observed_at"`
		}
		Covered []struct {
			Group  string
			Except map[string]string
		}
		Skipped map[string]int
	}
}

// files lists the site's folder with the content of every file.
func (s *site) files() map[string]string {
	s.t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(s.folder, e.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		found[e.Name()] = string(text)
	}
	return found
}

func (s *site) sameFiles(before map[string]string) {
	s.t.Helper()
	after := s.files()
	for name, text := range after {
		// SQLite's own index for reading beside a writer, and its empty log.
		if strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, "-wal") && text == "" {
			continue
		}
		if had, there := before[name]; !there {
			s.t.Errorf("%s was made", name)
		} else if had != text {
			s.t.Errorf("%s was changed", name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			s.t.Errorf("%s is gone", name)
		}
	}
}

func TestADryRunShowsARoundAndStoresNothing(t *testing.T) {
	s := newSite(t)
	before := s.files()
	out, errs, code := s.run("collect", "--dry-run", "--all")
	if code != exitOK {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		`(?m)^pagerduty/main$`, `as a first round: there is no store to read`,
		`(?m)^SERVICE +FACT +VALUE +OBSERVED AT +GROUP +DETAIL$`,
		`(?m)^checkout +pagerduty.escalation_levels +2 +\d{4}-\d\d-\d\d \d\d:\d\d UTC +escalation +\S.*PCHECK`,
		`(?m)^cart +pagerduty.coverage_ratio_14d +1.000 .* oncall `,
		`(?m)^COVERED GROUP +FACTS +EXCEPT$`, `(?m)^REQUEST MADE +ENDED +TIMES$`, `(?m)^GET /services +ok +1$`,
		`nothing was stored`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("nothing like %s in\n%s", want, out)
		}
	}
	if strings.Contains(out+errs, "\x1b[") {
		t.Error("there are colours where there is no terminal")
	}
	s.sameFiles(before)

	// With a store: it starts at its cursors and leaves it as it is.
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	before = s.files()
	out, errs, code = s.run("collect", "--once", "--dry-run", "--source", "pagerduty/main", "--service", "cart")
	if code != exitOK || !strings.Contains(out, "where the last stored round ended") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if !regexp.MustCompile(`(?m)^cart +pagerduty`).MatchString(out) ||
		regexp.MustCompile(`(?m)^checkout +pagerduty`).MatchString(out) {
		t.Errorf("not cart alone:\n%s", out)
	}
	s.sameFiles(before)
	if d := s.start(); true {
		d.ready()
		if _, errs, code := s.run("collect", "--once", "--dry-run"); code != exitOK {
			t.Errorf("beside a daemon it exits %d: %s", code, errs)
		}
	}
}

func TestADryRunAsJSON(t *testing.T) {
	s := newSite(t)
	s.vendor.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: []string{`{"id":"QBAD","created_at":7}`}})
	out, errs, code := s.run("collect", "--once", "--dry-run", "-o", "json")
	if code != exitOK {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	var found dryRun
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found.Sources) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	source := found.Sources[0]
	values := map[string]any{}
	for _, r := range source.Records {
		values[r.Service+" "+r.Fact] = r.Value
		if r.ObservedAt == "" || r.Detail == "" || r.Group == "" {
			t.Errorf("a record without provenance: %+v", r)
		}
	}
	for key, want := range map[string]any{
		"checkout pagerduty.service_exists": true, "cart pagerduty.escalation_levels": 1.0,
		"ghost pagerduty.service_exists": false,
	} {
		if values[key] != want {
			t.Errorf("%s is %v, not %v", key, values[key], want)
		}
	}
	if len(source.Skipped) == 0 || len(source.Covered) == 0 || source.Source != "pagerduty/main" {
		t.Errorf("%+v", source)
	}
	requests, planned := 0, map[string]bool{}
	for _, c := range source.Planned {
		planned[c.Call] = true
	}
	for _, r := range source.Requests {
		requests += r.Count
		if !planned[r.Call] {
			t.Errorf("%s was asked and not planned", r.Call)
		}
		delete(planned, r.Call)
	}
	for call := range planned {
		t.Errorf("%s was planned and not asked", call)
	}
	if n := len(s.vendor.Requests()); n != requests {
		t.Errorf("%d requests were made and %d are told", n, requests)
	}
}

// TestADryRunThatFailsShowsWhatItFound wants exit 1, the fault, and the rest.
func TestADryRunThatFailsShowsWhatItFound(t *testing.T) {
	s := newSite(t)
	s.vendor.Inject(pagerdutytest.Fault{Call: "GET /oncalls", Status: 403})
	before := s.files()
	out, errs, code := s.run("collect", "--once", "--dry-run")
	if code != exitFailure || !strings.Contains(out, "not complete: ") || !strings.Contains(out, "forbidden (HTTP 403)") ||
		!regexp.MustCompile(`(?m)^GET /oncalls +forbidden`).MatchString(out) ||
		!strings.Contains(out, "pagerduty.escalation_levels") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	// What the output says of the fault is not said again.
	if !strings.HasSuffix(errs, "collector: not complete, as said above: pagerduty/main\n") ||
		strings.Contains(errs, "forbidden") {
		t.Errorf("stderr: %s", errs)
	}
	if regexp.MustCompile(`(?m)^\S+ +pagerduty.oncall_now `).MatchString(out) {
		t.Errorf("a value was invented:\n%s", out)
	}
	s.sameFiles(before)
}

func TestOneSourceAlone(t *testing.T) {
	s := newSite(t)
	s.edit(
		"collector.yaml", "  pagerduty:\n",
		"  prometheus: [{name: prod, url: \"http://127.0.0.1:1\", presets: [signals]}]\n  pagerduty:\n",
	)
	if _, errs, code := s.run("collect", "--once"); code != exitFailure || !strings.Contains(errs, "prometheus/prod") {
		t.Errorf("a server that is not there exits %d: %s", code, errs)
	}
	out, errs, code := s.run("collect", "--once", "--source", "pagerduty/main", "-o", "json")
	if code != exitOK || !json.Valid([]byte(out)) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if _, errs, code := s.run("collect", "--once", "--source", "pagerduty/main,prometheus/prod"); code != exitFailure {
		t.Errorf("both exit %d: %s", code, errs)
	}
	for _, args := range [][]string{
		{"--source", "pagerduty/mian"}, {"--source", "pagerduty/mian", "--dry-run"},
	} {
		_, errs, code := s.run(slices.Concat([]string{"collect", "--once"}, args)...)
		if code != exitConfig || !strings.Contains(
			errs, `no source "pagerduty/mian" is configured, did you mean "pagerduty/main"?`,
		) {
			t.Errorf("%v exits %d: %s", args, code, errs)
		}
	}
	_, errs, code = s.run("collect", "--once", "--source", "pagerduty")
	if code != exitConfig || !strings.Contains(errs, `no source "pagerduty" is configured, did you mean "pagerduty/main"?`) {
		t.Errorf("a kind of source exits %d: %s", code, errs)
	}
	for _, args := range [][]string{
		{"--dry-run", "--service", "chekout"}, {"--service", "checkout"}, {"--all"}, {"--dry-run", "-o", "csv"},
	} {
		before := len(s.vendor.Requests())
		_, errs, code := s.run(slices.Concat([]string{"collect", "--once"}, args)...)
		if code != exitConfig || errs == "" || len(s.vendor.Requests()) != before {
			t.Errorf("%v exits %d: %s", args, code, errs)
		}
	}
}

// TestWhatADryRunReadsIsWhatARoundReads compares the records of a first dry
// run with those that the first real round stored.
func TestWhatADryRunReadsIsWhatARoundReads(t *testing.T) {
	s := newSite(t)
	dry, _, _ := s.run("collect", "--once", "--dry-run", "-o", "json")
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	var found dryRun
	if err := json.Unmarshal([]byte(dry), &found); err != nil {
		t.Fatal(err)
	}
	card, _, _ := s.run("score", "checkout", "-o", "json")
	for _, r := range found.Sources[0].Records {
		if r.Service != "checkout" || r.Fact != "pagerduty.coverage_ratio_14d" {
			continue
		}
		if detail, _ := json.Marshal(r.Detail); !bytes.Contains([]byte(card), detail) {
			t.Errorf("the scorecard does not have %s:\n%s", detail, card)
		}
		return
	}
	t.Error("the dry run did not find the coverage")
}

// TestADryRunFindsServicesAsARoundDoes has a catalog that PagerDuty fills.
func TestADryRunFindsServicesAsARoundDoes(t *testing.T) {
	s := newSite(t)
	s.edit("collector.yaml", "  services:\n", "  pagerduty: [{name: \"C.*\", entry: {tier: 2}}]\n  services:\n")
	for _, name := range []string{"checkout", "cart"} {
		text, _ := os.ReadFile(filepath.Join(s.folder, "collector.yaml"))
		s.write("collector.yaml", regexp.MustCompile(`    - \{name: `+name+`,.*\n`).ReplaceAllString(string(text), ""))
	}
	before := s.files()
	out, errs, code := s.run("collect", "--once", "--dry-run", "--service", "cart")
	if code != exitOK || !regexp.MustCompile(`(?m)^cart +pagerduty.escalation_levels +1 `).MatchString(out) ||
		strings.Contains(out, "checkout") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	s.sameFiles(before)
}

func TestAMistypedCommandLineExitsTwoWithAHint(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ args, want string }{
		{"framework coverag", `did you mean "coverage"?`}, {"check extra", "collector check --help"},
		{"version extra", "collector version --help"},
		{"run extra", `"extra" is one too many: the command takes no arguments`},
		{"collect --sorce x", `did you mean "--source"?`}, {"score --al", `did you mean "--all"?`},
		{"chek", `did you mean "check"?`}, {"help chekc", `did you mean "check"?`},
		{"help framework coverag", `did you mean "coverage"?`},
		{"score -o json", "no database to read at "},
	} {
		if _, errs, code := s.run(strings.Fields(c.args)...); code != exitConfig || !strings.Contains(errs, c.want) {
			t.Errorf("%s exits %d: %s", c.args, code, errs)
		}
	}
}
