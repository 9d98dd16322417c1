package main

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/report"
)

// launchSite is a folder with the default framework, a source that is never asked, and the
// playbook of a wallet up to a badge.
func launchSite(t *testing.T, badge string) (s *site, playbook string) {
	t.Helper()
	s = newFolder(t)
	s.write("token", "secret\n")
	s.write("collector.yaml", `store: {url: readiness.db}
catalog: {teams: [{name: payments, org: shop}], services: [{name: checkout, team: payments, org: shop, tier: 1}]}
sources: {pagerduty: [{name: main, endpoint: "http://127.0.0.1:1", token_file: token, schedule: "@every 1h"}]}
`)
	out, errs, code := s.run("playbook", "wallet", "--launch", "--tier", "1", "--data-class", "personal", "--badge", badge)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	return s, out
}

// answeredWith is a playbook whose checks are all answered with yes by ann, with a link,
// and accepted by bob.
func answeredWith(playbook string) string {
	return strings.NewReplacer("  - Answer:\n", "  - Answer: yes\n", "  - Evidence:\n",
		"  - Evidence: https://wiki.example.com/wallet\n",
		"- Answered by:\n", "- Answered by: ann\n", "- Accepted by:\n", "- Accepted by: bob\n",
		"- Answered on:\n", "- Answered on: "+time.Now().UTC().Format(time.DateOnly)+"\n").Replace(playbook)
}

// changed is a playbook in which the fields of one check are others.
func changed(t *testing.T, playbook, check, from, to string) string {
	t.Helper()
	at := strings.Index(playbook, "("+check+")")
	before, after := playbook[:max(at, 0)], playbook[max(at, 0):]
	if at < 0 || !strings.Contains(after, from) {
		t.Fatalf("%s with %q is not in the playbook", check, from)
	}
	return before + strings.Replace(after, from, to, 1)
}

// TestTheGateBeforeALaunch: a playbook is printed, filled in and judged, and what is said
// of it follows the answers alone.
func TestTheGateBeforeALaunch(t *testing.T) {
	t.Parallel()
	s, playbook := launchSite(t, "gold")
	whole := answeredWith(playbook)
	const built, review, rollback = "cicd.built-by-pipeline", "cicd.change-reviewed", "cicd.rollback-rehearsed"
	long := time.Now().AddDate(-1, 0, -2).Format(time.DateOnly)
	for name, text := range map[string]string{
		"empty.md": playbook, "whole.md": whole, "no.md": changed(t, whole, built, "Answer: yes", "Answer: no"),
		"open.md":   changed(t, whole, built, "Answer: yes", "Answer:"),
		"ticked.md": strings.Replace(changed(t, whole, built, "Answer: yes", "Answer:"), "- [ ] **Built by", "- [x] **Built by", 1),
		"nolink.md": changed(t, whole, rollback, "Evidence: https://wiki.example.com/wallet", "Evidence:"),
		"old.md":    changed(t, whole, built, "Answer: yes", "Answer: yes\n  - Answered on: "+long),
		"na.md": changed(t, whole, review, "Answer: yes",
			"Answer: not applicable\n  - Because: one person makes it"),
		"alone.md": changed(t, whole, review, "Answer: yes",
			"Answer: not applicable\n  - Because: one person makes it\n  - Accepted by: Ann"),
		"noreason.md": changed(t, whole, review, "Answer: yes", "Answer: not applicable"),
		"notier.md":   strings.Replace(whole, "- Tier: 1\n", "", 1),
		"nostate.md":  strings.Replace(whole, "- Stateful: no\n", "- Stateful:\n", 1),
		"typo.md":     changed(t, whole, built, "Answer: yes", "Answer: yep"),
		"unknown.md":  strings.Replace(whole, "("+built+")", "(cicd.built-by-pipelin)", 1),
		"machine.md": strings.Replace(whole, "(obs.metrics-collected)",
			"(obs.metrics-collected)\n  - Answer: yes", 1),
		"half.md": whole[:strings.Index(whole, "## Security")],
	} {
		s.write(name, text)
	}
	for arguments, want := range map[string]struct {
		code int
		text string
	}{
		"whole.md --badge silver":                             {exitOK, "Proven: wallet proves Silver as far as answers can: 11 checks; after the launch 11 checks more."},
		"whole.md --badge gold":                               {exitOK, "as far as answers can"},
		"whole.md --badge silver --module cicd":               {exitOK, "Silver in cicd as far as answers can: 3 checks; after the launch 1 check more"},
		"whole.md --badge platinum":                           {exitUnknown, "does not have it: print the playbook again, with --badge platinum"},
		"whole.md --check cicd.no-drift":                      {exitUnknown, "does not have it"},
		"whole.md --check obs.metrics-collected":              {exitUnknown, "no answer can prove it"},
		"whole.md --check " + built:                           {exitOK, "proves " + built},
		"whole.md --badge silver --tier 1":                    {exitOK, "Proven"},
		"whole.md --badge silver --max-age 2d":                {exitOK, "Proven"},
		"old.md --badge silver":                               {exitUnknown, "the answer is older than 365 days"},
		"empty.md --badge bronze":                             {exitUnknown, "it is not answered"},
		"no.md --badge bronze":                                {exitFailure, "1 check answered with no"},
		"no.md --badge bronze --dry-run":                      {exitOK, "NOT PROVEN"},
		"open.md --badge bronze":                              {exitUnknown, "1 check without an answer that counts"},
		"ticked.md --badge bronze":                            {exitUnknown, "it is ticked and not answered"},
		"nolink.md --badge silver":                            {exitOK, "Proven"},
		"nolink.md --badge gold":                              {exitUnknown, "no link to evidence, which level 3 needs"},
		"na.md --badge silver":                                {exitOK, "of which 1 exempt or not applicable"},
		"alone.md --badge silver":                             {exitUnknown, "nobody else agrees"},
		"noreason.md --badge silver":                          {exitUnknown, "not said why it does not apply"},
		"half.md --badge silver":                              {exitUnknown, "half.md does not have it"},
		"notier.md --badge silver --tier 1":                   {exitOK, "Proven"},
		"notier.md --badge silver":                            {exitConfig, "write a line `- Tier: 1`"},
		"whole.md --badge silver --tier 2":                    {exitConfig, "whole.md:6: Tier is 1 here and 2 on the command line"},
		"whole.md --badge silver --data-class none":           {exitConfig, "whole.md:7: Data class is personal here"},
		"whole.md --badge silver --stateful":                  {exitConfig, "whole.md:8: Stateful is no here and yes on the command line"},
		"nostate.md --badge silver --stateful":                {exitUnknown, "nostate.md does not have it"},
		"whole.md --badge silver --exposure moon":             {exitConfig, "moon"},
		"typo.md --badge silver":                              {exitConfig, `"yep" is no answer, did you mean "yes"?`},
		"unknown.md --badge silver":                           {exitConfig, `did you mean "cicd.built-by-pipeline"?`},
		"machine.md --badge silver":                           {exitConfig, "obs.metrics-collected cannot be answered"},
		"nowhere.md --badge silver":                           {exitConfig, "nowhere.md: there is no such file"},
		". --badge silver":                                    {exitConfig, "this is no regular file"},
		"token --badge silver":                                {exitConfig, "token:1: no check is in it"},
		"whole.md --badge silver --server http://127.0.0.1:1": {exitConfig, "leave out --server"},
		"whole.md":                {exitConfig, "nothing is asked"},
		"whole.md --badge golden": {exitConfig, `did you mean "gold"?`},
	} {
		out, errs, code := s.run(append([]string{"gate", "wallet", "--launch", "--answers"}, strings.Fields(arguments)...)...)
		if said := strings.Join(strings.Fields(out+errs), " "); code != want.code || !strings.Contains(said, want.text) {
			t.Errorf("gate wallet --launch --answers %s: exit %d, want %d with %q:\n%s", arguments, code, want.code, want.text, said)
		}
	}
	for arguments, want := range map[string]string{
		"checkout --launch --answers whole.md --badge silver": "is in the catalog",
		"purse --launch --answers whole.md --badge silver":    "whole.md:5: Service is wallet here and purse on the command line",
		"wallet --launch --badge silver":                      "--launch needs --answers",
		"wallet --answers whole.md --badge silver":            "--answers is of no use without --launch",
		"wallet --tier 1 --badge silver":                      "--tier is of no use without --launch",
	} {
		if out, errs, code := s.run(append([]string{"gate"}, strings.Fields(arguments)...)...); code != exitConfig ||
			!strings.Contains(strings.Join(strings.Fields(out+errs), " "), want) {
			t.Errorf("gate %s: exit %d, want %q:\n%s%s", arguments, code, want, out, errs)
		}
	}
	s.launchFormats(built)
}

// launchFormats: what pipelines read has the lines of the file, and no names of people.
func (s *site) launchFormats(failing string) {
	s.t.Helper()
	gate := func(format string) string {
		out, _, code := s.run("gate", "wallet", "--launch", "--answers", "no.md", "--badge", "silver", "-o", format,
			"--save", "verdict.json")
		if code != exitFailure {
			s.t.Errorf("-o %s: exit %d", format, code)
		}
		return out
	}
	text := gate("json")
	var verdict report.Gate
	if err := json.Unmarshal([]byte(text), &verdict); err != nil || text != s.read("verdict.json") {
		s.t.Fatalf("%v, or the verdict file is another one:\n%s", err, text)
	}
	if verdict.Launch == nil || verdict.Launch.Tier != 1 || verdict.Launch.DataClass != "personal" ||
		len(verdict.Launch.SHA256) != 64 ||
		len(verdict.Launch.After) != 11 || verdict.Framework.Hash == "" {
		s.t.Errorf("%+v", verdict.Launch)
	}
	line := 0
	for i, l := range strings.Split(s.read("no.md"), "\n") {
		if l == "  - Answer: no" {
			line = i + 1
		}
	}
	for _, c := range verdict.Checks {
		if c.ID == failing && (c.Line != line || c.Verdict != report.GateNotProven) {
			s.t.Errorf("%+v, want line %d", c, line)
		}
		if c.ID == "cicd.change-reviewed" && (len(c.Evidence) != 1 || c.Evidence[0].Source != "answers" || c.Evidence[0].ObservedAt.IsZero()) {
			s.t.Errorf("the evidence of an answer: %+v", c)
		}
	}
	if regexp.MustCompile(`\b(ann|bob)\b`).MatchString(text) {
		s.t.Errorf("the verdict names people:\n%s", text)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	junit := gate("junit")
	if err := xml.Unmarshal([]byte(junit), &suites); err != nil || suites.Tests != 22 || suites.Failures != 1 ||
		strings.Count(junit, `message="after the launch"`) != 11 {
		s.t.Errorf("JUnit: %+v, %v:\n%s", suites, err, junit)
	}
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(gate("sarif")), &log); err != nil || len(log.Runs[0].Results) != 1 {
		s.t.Fatalf("SARIF: %v %+v", err, log)
	}
	at := log.Runs[0].Results[0].Locations[0].PhysicalLocation
	if at.ArtifactLocation.URI != "no.md" || at.Region.StartLine != line {
		s.t.Errorf("SARIF shows it at %+v, want line %d", at, line)
	}
	if out := gate("md"); !strings.Contains(out, "### Readiness of wallet: NOT PROVEN") ||
		!strings.Contains(out, "After the launch, by machines") {
		s.t.Errorf("Markdown:\n%s", out)
	}
}

// TestAnswersAloneDoNotProveTheHighestBadges: Platinum takes one attested check in a module.
func TestAnswersAloneDoNotProveTheHighestBadges(t *testing.T) {
	t.Parallel()
	s, playbook := launchSite(t, "diamond")
	s.write("wallet.md", answeredWith(playbook))
	for badge, want := range map[string]int{"gold": exitOK, "platinum": exitUnknown, "diamond": exitUnknown} {
		out, errs, code := s.run("gate", "wallet", "--launch", "--answers", "wallet.md", "--badge", badge)
		said := strings.Join(strings.Fields(out), " ")
		limited := strings.Contains(said, "more are exempt or attested than")
		if code != want || limited == (want == exitOK) {
			t.Errorf("%s: exit %d, want %d: %s%s", badge, code, want, out, errs)
		}
	}
}

// TestALaunchNeedsNoConfiguration: the repository of a new service has none.
func TestALaunchNeedsNoConfiguration(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	playbook, errs, code := s.run("playbook", "wallet", "--launch", "--tier", "1", "--badge", "bronze")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	s.write("wallet.md", answeredWith(playbook))
	launch := []string{"gate", "wallet", "--launch", "--answers", "wallet.md", "--badge", "bronze"}
	if out, errs, code := s.run(launch...); code != exitOK || !strings.Contains(out, "framework default") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if out, errs, code := s.run(append(launch, "--config", "other.yaml")...); code != exitConfig {
		t.Errorf("a configuration that is named and not there: exit %d: %s%s", code, out, errs)
	}
}

// TestAnEntryThatIsNotWrittenContradictsNoAnswer: a proof of a machine that also reads the
// catalog would say no, since no catalog has an owner of the service.
func TestAnEntryThatIsNotWrittenContradictsNoAnswer(t *testing.T) {
	t.Parallel()
	s, _ := launchSite(t, "bronze")
	s.write("own.yaml", `apiVersion: readiness/v1
kind: Framework
name: own
version: 1.0.0
modules:
  - id: inc
    name: Incident Preparedness
    checks:
      - id: inc.owned
        level: 1
        title: Somebody owns it
        remediation: [Write it down.]
        proofs:
          - {by: machine, pass: "catalog.owner_declared && pagerduty.service_exists"}
          - {by: attested, pass: attest.inc_owned}
`)
	s.write("collector.yaml", s.read("collector.yaml")+"framework: {file: own.yaml}\n")
	playbook, errs, code := s.run("playbook", "wallet", "--launch", "--tier", "1")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	s.write("wallet.md", answeredWith(playbook))
	out, errs, code := s.run("gate", "wallet", "--launch", "--answers", "wallet.md", "--badge", "bronze")
	if code != exitOK {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// TestTheCommandsOfThePageAboutTheGate: a launch as docs/gate.md shows it.
func TestTheCommandsOfThePageAboutTheGate(t *testing.T) {
	t.Parallel()
	s, _ := launchSite(t, "bronze")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gate.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^bin/collector ((?:playbook|gate) wallet [^>\n]*?)(?: > (\S+))?$`).FindAllStringSubmatch(string(page), -1)
	if len(commands) != 2 {
		t.Fatalf("%d commands of a launch: %q", len(commands), commands)
	}
	for i, want := range []int{exitOK, exitUnknown} {
		out, errs, code := s.run(strings.Fields(commands[i][1])...)
		if code != want {
			t.Errorf("%s: exit %d, want %d: %s%s", commands[i][1], code, want, out, errs)
		}
		if file := commands[i][2]; file != "" {
			s.write(file, out)
		}
	}
	_, form, _ := strings.Cut(string(page), "```markdown\n")
	form, _, _ = strings.Cut(form, "```")
	today := "Answered on: " + time.Now().UTC().Format(time.DateOnly)
	s.write("wallet.md", regexp.MustCompile("Answered on: .*").ReplaceAllString(form, today))
	out, errs, code := s.run("gate", "wallet", "--launch", "--answers", "wallet.md", "--check", "cicd.rollback-rehearsed",
		"--check", "cicd.change-reviewed")
	if code != exitOK || !strings.Contains(out, "one person makes it until March") {
		t.Errorf("the example of the page: exit %d: %s%s", code, out, errs)
	}
}

// TestAnswersThatCannotBeReadSayWhere is for what is no file of a person.
func TestAnswersThatCannotBeReadSayWhere(t *testing.T) {
	t.Parallel()
	s, _ := launchSite(t, "bronze")
	if err := os.WriteFile(filepath.Join(s.folder, "large.md"), make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s.write("binary.md", "- Tier: 1\n\xff\xfe\n")
	for file, want := range map[string]string{
		"large.md": "larger than 2 MiB", "binary.md": "binary.md:2: ", "/dev/zero": "no regular file",
	} {
		out, errs, code := s.run("gate", "wallet", "--launch", "--answers", file, "--badge", "bronze")
		if code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s%s", file, code, out, errs)
		}
	}
}
