package evidence

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTemplate(t *testing.T) {
	for title, want := range map[string]string{
		"Disk 97% full on db-12":                                      "disk <n>% full on db-<n>",
		"DISK 98% full on db-3 ":                                      "disk <n>% full on db-<n>",
		"Pod shop/web-7f9c6b5d4f-x2lkq is crash looping":              "pod shop/web-<pod> is crash looping",
		"Pod shop/web-86c57db685-q4wzj is crash looping":              "pod shop/web-<pod> is crash looping",
		"10.2.3.4:8080 unreachable from 10.2.3.5":                     "<ip> unreachable from <ip>",
		"peer 2001:db8:0:1:1:1:1:1 down, 2001:db8::7 too":             "peer <ip> down, <ip> too",
		"Order 9a1b2c3d-0000-4e5f-8a9b-0c1d2e3f4a5b failed":           "order <id> failed",
		"commit 4f2a9c1 broke the build":                              "commit <id> broke the build",
		"pointer 0xDEADBEEF":                                          "pointer <id>",
		`Queue "orders-eu" and 'orders us' too long`:                  "queue <value> and <value> too long",
		"can't reach what it can't name":                              "can't reach what it can't name",
		"[FIRING:3] Latency job=api":                                  "[firing:<n>] latency job=api",
		"User jane.doe@example.com reports an error":                  "user <email> reports an error",
		"See https://grafana.example/d/abc?x=1 for more":              "see <url> for more",
		"effaced facade":                                              "effaced facade",
		"took 1,234.5 s at 12:30:59":                                  "took <n> s at <n>",
		"":                                                            "",
		"Zahlung f\u00e4llt aus \xff\x00 7":                           "zahlung f\u00e4llt aus \ufffd <n>",
		strings.Repeat("wort ", 100):                                  strings.TrimSpace(strings.Repeat("wort ", 40)),
		"std::vector overflow in std::map":                            "std::vector overflow in std::map",
		"replica web-7f9c6b5d4f has 2 of 3 pods on node ip-10-0-3-17": "replica web-<id> has <n> of <n> pods on node ip-<n>-<n>-<n>-<n>",
	} {
		if got := Template(title); got != want {
			t.Errorf("%q:\n got %q\nwant %q", title, got, want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("Disk 97% full on web-7f9c6b5d4f-x2lkq (10.2.3.4), see \"x\"")
	f.Add("::1 \x00\xff 'a' `b` a@b.c 0x1f")
	f.Fuzz(func(t *testing.T, title string) {
		got := Template(title)
		if strings.ContainsAny(got, "0123456789\x00") || len(got) > maxTemplate || !utf8.ValidString(got) ||
			got != strings.TrimSpace(got) {
			t.Errorf("%q became %q", title, got)
		}
		if again := Template(title); again != got {
			t.Errorf("%q became %q and %q", title, got, again)
		}
	})
}
