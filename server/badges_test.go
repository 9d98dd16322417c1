package server

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prodready/collector/snapshot"
)

func TestBadges(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[snapshot.Snapshot]
	o := options(nil)
	o.Current = current.Load
	h := newServer(t, o).Handler()
	// A proxy that shows pictures keeps an error for days.
	ask(t, h, "GET", "/badge/checkout.svg").expect(t, "before the first evaluation", 200, "readiness: unknown")

	s := fleet("checkout", "a/b c", hostile)
	s.Services[0].Entry.Aliases = []string{"shop-checkout"}
	current.Store(s)
	for path, want := range map[string]string{
		"/badge/checkout.svg":                   "readiness: Gold",
		"/badge/shop-checkout.svg":              "readiness: Gold",
		"/badge/a%2Fb%20c.svg":                  "readiness: Gold",
		"/badge/chekout.svg":                    "readiness: unknown",
		"/badge/checkout":                       "readiness: Gold",
		"/badge/checkout.svg?check=inc.nothing": "inc.nothing: unknown",
		"/badge/team/payments.svg":              "payments readiness: 3 Gold",
		"/badge/tier/2.svg":                     "tier 2 readiness: 3 Gold",
		"/badge/fleet/all.svg":                  "readiness: 3 Gold",
		"/badge/team/paiments.svg":              "readiness: unknown",
		"/badge/guild/payments.svg":             "readiness: unknown",
		"/badge/" + strings.Repeat("a", 5000):   "readiness: unknown",
		"/badge/checkout.svg?style=flat-square": ` rx="0"`,
		"/badge/checkout.svg?style=plastic":     ` rx="3"`,
		"/badge/checkout.json":                  `"message":"Gold"`,
		"/badge/fleet/all.json":                 `"message":"3 Gold"`,
	} {
		a := ask(t, h, "GET", path)
		a.expect(t, path, 200, want)
		wantType := "image/svg+xml; charset=utf-8"
		if strings.HasSuffix(path, ".json") {
			wantType = "application/json"
		}
		if got := a.header.Get("Content-Type"); got != wantType {
			t.Errorf("%s: Content-Type %q", path, got)
		}
		if got := a.header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		if again := ask(t, h, "GET", path, "If-None-Match", a.header.Get("ETag")); again.status != 304 || again.body != "" {
			t.Errorf("%s, known: %d %q", path, again.status, again.body)
		}
	}
	ask(t, h, "POST", "/badge/checkout.svg").expect(t, "POST", 405, "use GET")
}
