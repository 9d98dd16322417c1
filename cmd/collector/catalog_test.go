package main

import (
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// componentsOfOthers are two services, a library, and entities with one vice each.
const componentsOfOthers = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: api, namespace: shop, tags: [tier-1]}
spec: {type: service, owner: "user:default/jane.roe"}
---
kind: Component
metadata: {name: api, namespace: bank, annotations: {example.com/regions: [eu, us]}}
spec: {type: service, owner: payments}
---
kind: Component
metadata: {name: money-lib}
spec: {type: library}
---
kind: Component
metadata: {name: "${{ values.name }}"}
spec: {type: service}
`

func TestFilesOfOthersAreCounted(t *testing.T) {
	s := newSite(t)
	s.write("all.yaml", "kind: Location\nmetadata: {name: all}\nspec: {targets: [./others.yaml]}\n")
	s.write("others.yaml", componentsOfOthers)
	s.edit("collector.yaml", "catalog:\n", "catalog:\n  backstage: [all.yaml]\n  entities: {max_refused_ratio: 0.4}\n"+
		"  defaults: {tier: 3}\n")
	out, errs, code := s.run("check")
	for _, want := range []string{
		"5 services", "left out: 1 of type library", "warn  catalog: 1 of 6 entries that were read are refused",
		"others.yaml:14: component", "this is a template", "the owner is a person",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, want %q in\n%s%s", code, want, out, errs)
		}
	}
	if _, errs, code := s.run("collect", "--once"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, name := range []string{"shop/api", "bank/api"} {
		if out, errs, code := s.run("score", name); code != 0 || !strings.Contains(out, name) {
			t.Errorf("score %s: exit %d: %s%s", name, code, out, errs)
		}
	}
	out, errs, code = s.run("framework", "coverage")
	if code != 0 || !strings.Contains(out, "1 entity of catalog could not be used") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	s.edit("collector.yaml", "max_refused_ratio: 0.4", "max_refused_ratio: 0.2")
	if _, errs, code := s.run("check"); code != exitConfig || !strings.Contains(errs, "1 of 3 entities are refused") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestAnEmptyCatalogIsNeverReady(t *testing.T) {
	s := newSite(t)
	s.write("all.yaml", "kind: Component\nmetadata: {name: a}\nspec: {type: library}\n")
	s.edit("collector.yaml", "  services:\n", "  backstage: [all.yaml]\n  services:\n")
	for name, rest := range map[string]string{"checkout": "1, pagerduty: [{service_id: PCHECK}]}",
		"cart": "2, pagerduty: [{service_id: PCART}]}", "ghost": "3, pagerduty: [{service_id: PGONE}]}"} {
		s.edit("collector.yaml", "    - {name: "+name+", team: payments, org: shop, tier: "+rest+"\n", "")
	}
	out, errs, code := s.run("check")
	if code != 0 || !strings.Contains(out, "warn  catalog: 0 services") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	d := s.start()
	d.eventually("the daemon says that its catalog is empty", func() bool {
		code, body := d.get("/-/ready")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "the catalog has no services")
	})
}

// A daemon without a source has nothing to wait for.
func TestWithoutASourceNothingIsReady(t *testing.T) {
	s := newFolder(t)
	s.write("collector.yaml", "server: {listen_address: \"127.0.0.1:0\"}\ncatalog: {services: [{name: checkout, tier: 1}]}\n")
	const want = "no source is configured, so that nothing is collected or judged: add one of sources."
	if out, errs, code := s.run("check"); code != 0 || !strings.Contains(out, "warn  sources: "+want) {
		t.Errorf("check: exit %d: %s%s", code, out, errs)
	}
	d := s.start()
	for path, begin := range map[string]string{"/-/ready": "not ready: ", "/api/v1/services": "", "/": ""} {
		if _, body := d.get(path); !strings.Contains(body, begin+want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if !strings.Contains(d.log.String(), want) {
		t.Errorf("the log does not say it:\n%s", d.log.String())
	}
}

// The log of a reload names the services that the new catalog lacks.
func TestAReloadNamesTheServicesThatLeave(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"billing", "search"} {
		s.edit("collector.yaml", "sources:\n", "    - {name: "+name+", team: payments, tier: 3}\nsources:\n")
	}
	d := s.start()
	d.ready()
	s.edit("collector.yaml", "    - {name: billing, team: payments, tier: 3}\n", "")
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.eventually("the new configuration is in force", func() bool {
		return strings.Contains(d.log.String(), `msg="the configuration was reloaded" services=4`)
	})
	want := regexp.MustCompile(`msg="a service has left the catalog; [^"]*" service=billing entry=\S*collector.yaml:\d+`)
	if lines := regexp.MustCompile(`has left the catalog`).FindAllString(d.log.String(), -1); len(lines) != 1 ||
		!want.MatchString(d.log.String()) {
		t.Errorf("%d lines, want one like %s in\n%s", len(lines), want, d.log.String())
	}
}

// TestALossOfServicesIsNoFact at a restart either: a mount that is missing would take
// the badges of all services with it.
func TestALossOfServicesIsNoFact(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"billing", "search", "mail"} {
		s.edit("collector.yaml", "sources:\n", "    - {name: "+name+", team: payments, tier: 3}\nsources:\n")
	}
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, name := range []string{"billing", "search"} {
		s.edit("collector.yaml", "    - {name: "+name+", team: payments, tier: 3}\n", "")
	}
	const want = "the catalog has lost 2 of 6 services (billing, search), which is more than a fifth"
	for _, command := range [][]string{{"collect", "--once"}, {"run"}} {
		if _, errs, code := s.run(command...); code != exitConfig || !strings.Contains(errs, want) ||
			!strings.Contains(errs, "--accept-catalog-loss") {
			t.Errorf("%v: exit %d, want %q: %s", command, code, want, errs)
		}
	}
	if _, errs, code := s.run("collect", "--once", "--accept-catalog-loss"); code != exitOK {
		t.Errorf("accepted: exit %d: %s", code, errs)
	}
	// It was accepted once and is the catalog now.
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Errorf("afterwards: exit %d: %s", code, errs)
	}
}
