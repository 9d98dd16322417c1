package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// badPromQL declares a fact whose query does not parse.
const badPromQL = `preset: mine
facts:
  - name: mine.broken
    type: int
    help: A query that does not parse.
    providers: [{via: mine, join: job, query: "sum by (job (up)"}]
`

func TestAnAddressInUseExitsTwo(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	s := newSite(t)
	s.edit("collector.yaml", "127.0.0.1:0", taken.Addr().String())
	if _, errs, code := s.run("run"); code != exitConfig || !strings.Contains(errs, "address already in use") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestBadInputExitsTwoAndStartsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, new string
		// want is what the message must hold: the place and the remedy.
		want string
	}{
		"misspelt key": {
			"collector.yaml", "listen_address", "listen_adress", `unknown key "listen_adress", did you mean "listen_address"?`,
		},
		"bad cron": {"collector.yaml", "@every 1s", "@evry 1s", "collector.yaml:13: sources.pagerduty[0].schedule"},
		"bad CEL": {
			"four.yaml", "pagerduty.oncall_now", "pagerduty.oncal_now",
			`unknown fact "pagerduty.oncal_now", did you mean "pagerduty.oncall_now"?`,
		},
		"unreadable secret": {
			"collector.yaml", "token_file: token", "token_file: missing", "sources.pagerduty[0].token_file",
		},
		"duplicate service": {
			"collector.yaml", "name: cart,", "name: checkout,",
			`collector.yaml:9: catalog.services[1].name: service "checkout": the service is declared twice`,
		},
		"duplicate source": {
			"collector.yaml", "    - {name: main,",
			"    - {name: main, endpoint: \"http://127.0.0.1:1\", token_file: token}\n    - {name: main,",
			"sources.pagerduty[1].name",
		},
		"bad PromQL": {
			"collector.yaml", "  pagerduty:",
			"  prometheus: [{name: prod, url: \"http://127.0.0.1:1\", facts_files: [promql.yaml]}]\n  pagerduty:",
			"promql.yaml:6",
		},
		"bad JQL facts": {
			"collector.yaml", "  pagerduty:",
			"  jira: [{name: main, url: \"http://127.0.0.1:1\", email: a@example.com, token_file: token, facts_file: four.yaml}]\n  pagerduty:",
			"four.yaml",
		},
		"no catalog file": {
			"collector.yaml", "catalog:", "catalog:\n  backstage: [nowhere/*.yaml]", `nowhere/*.yaml" matches no file`,
		},
		"duplicate check":   {"four.yaml", "id: inc.covered", "id: inc.escalates", "the id is used twice"},
		"not our database":  {"collector.yaml", "readiness.db", "token", "token"},
		"unwritable folder": {"collector.yaml", "readiness.db", "token/readiness.db", "token"},
		"unknown framework": {"collector.yaml", "four.yaml", "five.yaml", "five.yaml"},
		"no such port":      {"collector.yaml", "127.0.0.1:0", "127.0.0.1:99999", "this is not an address to listen on"},
		"exemption of what?": {
			"collector.yaml", "sources:",
			"exemptions: [{check: inc.coverd, tiers: [1], reason: x, requested_by: z, approver: y, expires: 2030-01-01}]\nsources:",
			`collector.yaml:11: exemptions: unknown check "inc.coverd", did you mean "inc.covered"?`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.write("promql.yaml", badPromQL)
			s.edit(c.file, c.old, c.new)
			out, errs, code := s.run("run")
			if code != exitConfig || !strings.Contains(errs, c.want) || strings.Contains(errs, "panic") {
				t.Errorf("exit %d, wants %q in\n%s%s", code, c.want, out, errs)
			}
			if n := len(s.vendor.Requests()); n != 0 || strings.Contains(errs, "msg=serving") {
				t.Errorf("%d requests were sent\n%s", n, errs)
			}
		})
	}
}

// TestFlagsOverrideTheConfiguration is about the keys of the configuration as
// flags, before and after the command.
func TestFlagsOverrideTheConfiguration(t *testing.T) {
	s := newSite(t)
	for _, args := range [][]string{
		{"check", "--log.level", "nonsense"}, {"--log.level=nonsense", "check"},
		{"check", "--framework.file", "nowhere.yaml"},
		{"check", "--store.url", "postgres://me:hunter2@db/x"},
	} {
		_, errs, code := s.run(args...)
		if code != exitConfig || !strings.Contains(errs, "flag --") || strings.Contains(errs, "hunter2") {
			t.Errorf("%v exits %d: %s", args, code, errs)
		}
	}
	if _, errs, code := s.run("collect", "--once", "--store.url", "other.db"); code != 0 {
		t.Errorf("collect exits %d: %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(s.folder, "other.db")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(s.folder, "readiness.db")); err == nil {
		t.Error("the store of the file was used, too")
	}
}
