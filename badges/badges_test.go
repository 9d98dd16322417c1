package badges

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/browsertest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// texts are usual names, names in other scripts, and markup and control characters.
func texts() []string {
	return []string{
		"readiness", "Gold, 2 exempt, on hold", "iiiiiiiiii", "WWWWWWWWWW", "a/b c", "", " ",
		`<script>alert("1")</script>'"><img src=x onerror=alert(2)>`, "]]>&amp;", "bell \a and null \x00",
		"\u202eright to left", "Überweisung", "Платежи", "支払いサービス", "e\u0301", "🚀 launch", "not\xffUTF-8",
		strings.Repeat("long ", 200),
	}
}

func TestAnyTextIsDrawn(t *testing.T) {
	t.Parallel()
	for _, style := range append(Styles(), "of a newer version") {
		for _, text := range texts() {
			picture := Badge{Label: text, Message: text, Color: grey}.SVG(style)
			decoder := xml.NewDecoder(strings.NewReader(string(picture)))
			elements := map[string]int{}
			for {
				token, err := decoder.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%q as %s is no XML: %v\n%s", text, style, err, picture)
				}
				start, ok := token.(xml.StartElement)
				if !ok {
					continue
				}
				elements[start.Name.Local]++
				for _, attribute := range start.Attr {
					// A page may hold several pictures, and an id is the page's.
					if attribute.Name.Local == "id" {
						t.Errorf("%q as %s: %v has an id", text, style, start.Name)
					}
				}
			}
			if elements["text"] != 2 || elements["title"] != 1 || elements["script"]+elements["img"] > 0 {
				t.Errorf("%q as %s: elements %v", text, style, elements)
			}
			if !strings.Contains(string(picture), `role="img" aria-label="`) {
				t.Errorf("%q as %s has no label for those who hear it", text, style)
			}
		}
	}
}

// TestLettersCanBeRead holds all colours to the contrast that WCAG AA asks of text.
func TestLettersCanBeRead(t *testing.T) {
	t.Parallel()
	colors := []string{grey, green, amber, red}
	for _, b := range framework.Badges() {
		colors = append(colors, colorOf(b))
	}
	for _, color := range colors {
		if got := contrast(color, textOn(color)); got < 4.5 {
			t.Errorf("%s: contrast %.2f", color, got)
		}
	}
	if got := contrast(labelColor, lightText); got < 4.5 {
		t.Errorf("the label: contrast %.2f", got)
	}
}

// TestWidthsAreThoseOfABrowser draws each text without saying how wide it is, and compares
// what Chromium needs for it with what the picture says.
func TestWidthsAreThoseOfABrowser(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(` textLength="([0-9.]+)"`)
	var page strings.Builder
	page.WriteString("<!DOCTYPE html><meta charset=utf-8><body>")
	var want []float64
	for _, text := range []string{
		"readiness", "Gold", "Platinum, 2 exempt", "Diamond, on hold", "not judged", "unknown", "payments readiness",
		"12 of 48 on target", "cicd.no-drift", "not applicable", "3 Gold, 1 Silver, 2 without", "WWWWWW", "iiiiii",
	} {
		picture := string(Badge{Label: text, Message: text, Color: grey}.SVG(Flat))
		length, err := strconv.ParseFloat(said.FindStringSubmatch(picture)[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, length, length)
		page.WriteString(said.ReplaceAllString(picture, ""))
	}
	page.WriteString(`<pre id=out></pre><script>document.getElementById("out").textContent = ` +
		`[...document.querySelectorAll("text")].map(t => t.getComputedTextLength()).join(" ")</script>`)
	dumped := browsertest.Dump(t, []byte(page.String()))
	_, out, _ := strings.Cut(dumped, `<pre id="out">`)
	out, _, _ = strings.Cut(out, "</pre>")
	got := strings.Fields(html.UnescapeString(out))
	if len(got) != len(want) {
		t.Fatalf("%d widths, want %d, in %s", len(got), len(want), dumped)
	}
	for i, text := range got {
		width, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(width-want[i]) > 2 {
			t.Errorf("text %d: Chromium needs %s pixels, the picture says %.1f", i, text, want[i])
		}
	}
}

// fleet is four services of two teams: of tier 1, whose target is Gold, and of tier 3, which
// has no target.
func fleet() *snapshot.Snapshot {
	check := &framework.Check{ID: "inc.someone-on-call", Title: "Someone is on call", Level: 1,
		Module: &framework.Module{ID: "inc", Scale: framework.Maturity}}
	service := func(name, team string, tier int, badge framework.Badge, status scoring.Status) snapshot.Service {
		return snapshot.Service{
			Entry: &catalog.Service{Name: name, Aliases: []string{"old-" + name}, Team: team, Org: "shop", Tier: tier},
			Card: &scoring.Scorecard{HasScore: true, Checks: []scoring.CheckResult{{Check: check, Status: status}},
				Badge: scoring.Bounds[framework.Badge]{Upper: framework.Diamond}},
			Badge: scoring.BadgeState{Badge: badge, At: now},
		}
	}
	return &snapshot.Snapshot{At: now,
		Framework: &framework.Framework{Name: "default", Version: "1.0.0",
			Targets: []framework.Target{{Tiers: []int{1}, Badge: framework.Gold}}},
		Services: []snapshot.Service{
			service("cart", "payments", 1, framework.Silver, scoring.Pass),
			service("checkout", "payments", 1, framework.Gold, scoring.Exempt),
			service("fleet", "search", 3, framework.Gold, scoring.Fail),
			service("a/b c", "search", 3, framework.NoBadge, scoring.Unknown),
		}}
}

func TestWhatABadgeSays(t *testing.T) {
	t.Parallel()
	s := fleet()
	for what, c := range map[string]struct {
		got  Badge
		want string
	}{
		"a service":               {OfService(s, "cart"), "readiness: Silver " + colorOf(framework.Silver)},
		"with an exempt check":    {OfService(s, "checkout"), "readiness: Gold, 1 exempt " + colorOf(framework.Gold)},
		"by an alias":             {OfService(s, "old-cart"), "readiness: Silver " + colorOf(framework.Silver)},
		"without evidence":        {OfService(s, "a/b c"), "readiness: not judged " + grey},
		"a service nobody knows":  {OfService(s, "kart"), "readiness: unknown " + grey},
		"a check that passes":     {OfCheck(s, "cart", "inc.someone-on-call"), "inc.someone-on-call: pass " + green},
		"a check that fails":      {OfCheck(s, "fleet", "inc.someone-on-call"), "inc.someone-on-call: fail " + red},
		"an exempt check":         {OfCheck(s, "checkout", "inc.someone-on-call"), "inc.someone-on-call: exempt " + grey},
		"an unknown check":        {OfCheck(s, "cart", "inc.nothing"), "inc.nothing: unknown " + grey},
		"a check of no service":   {OfCheck(s, "kart", "inc.someone-on-call"), "inc.someone-on-call: unknown " + grey},
		"a team":                  {OfGroup(s, Team, "payments"), "payments readiness: 1 of 2 on target " + amber},
		"a team without a target": {OfGroup(s, Team, "search"), "search readiness: 1 Gold, 1 without " + grey},
		"an org":                  {OfGroup(s, Org, "shop"), "shop readiness: 1 of 2 on target " + amber},
		"a tier":                  {OfGroup(s, Tier, "1"), "tier 1 readiness: 1 of 2 on target " + amber},
		"the fleet":               {OfGroup(s, Fleet, FleetName), "readiness: 1 of 2 on target " + amber},
		"a team nobody knows":     {OfGroup(s, Team, "paiments"), "readiness: unknown " + grey},
		"services without a team": {OfGroup(s, Team, ""), "readiness: unknown " + grey},
	} {
		if got := fmt.Sprintf("%s: %s %s", c.got.Label, c.got.Message, c.got.Color); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}

// TestTheEndpointOfShields holds the JSON to what shields.io reads.
func TestTheEndpointOfShields(t *testing.T) {
	t.Parallel()
	body, err := OfService(fleet(), "cart").JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"schemaVersion": 1.0, "label": "readiness", "message": "Silver", "color": "#b4bdc6",
		"labelColor": "#4a5058"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
