package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadgesAreWritten: a file for each service and group, whatever an org is called, and
// none outside of the folder.
func TestBadgesAreWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit("collector.yaml", "org: shop, tier: 3", `org: "../../shop of old", tier: 3`)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	folder := filepath.Join(s.folder, "public", "badges")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	s.write("public/badges/gone.svg", "<svg/>")
	s.write("public/badges/logo.png", "a file of somebody")
	out, errs, code := s.run("badges", "--out", "public/badges")
	if code != exitOK || out != "10 badges in public/badges\n" || errs != "no longer made: public/badges/gone.svg\n" {
		t.Errorf("exit %d: %q, %q", code, out, errs)
	}
	for _, name := range []string{
		"checkout.svg", "checkout.json", "org/..%2F..%2Fshop%20of%20old.svg", "team/payments.svg", "org/shop.svg",
		"tier/1.svg", "fleet/all.svg", "fleet/all.json",
	} {
		if text := s.read("public/badges/" + name); !strings.Contains(text, "readiness") {
			t.Errorf("%s: %s", name, text)
		}
	}
	s.refuses(map[string]string{
		"badges":                        "--out is missing",
		"badges --out x --style flatt":  `did you mean "flat"?`,
		"badges checkout --out x":       "takes no arguments",
		"badges --out collector.yaml/x": "making a folder for badges",
	})
}
