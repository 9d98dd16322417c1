package main

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/grafana"
)

// The backgrounds of panels in Grafana's two themes, and the two colours of text on cells.
const (
	darkPanel, lightPanel = "#181b1f", "#ffffff"
	darkText, lightText   = "#202226", "#f7f8fa"
)

// linear is a colour as light, each part 0 to 1.
func linear(t *testing.T, hex string) [3]float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil || len(hex) != 7 {
		t.Fatalf("the colour %q", hex)
	}
	var out [3]float64
	for i := range out {
		c := float64(n>>(16-8*i)&255) / 255
		if out[i] = c / 12.92; c > 0.04045 {
			out[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return out
}

func luminance(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

// contrast is the ratio of WCAG 2, from 1 to 21.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(linear(t, a)), luminance(linear(t, b))
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// onCell is the colour that Grafana gives to the text on a cell of a colour.
func onCell(t *testing.T, hex string) string {
	t.Helper()
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	if (299*(n>>16&255)+587*(n>>8&255)+114*(n&255))/1000 > 180 {
		return darkText
	}
	return lightText
}

// deuteranopia is a colour as people without the cones for green see it (Machado, Oliveira
// and Fernandes, 2009).
func deuteranopia(c [3]float64) [3]float64 {
	by := [3][3]float64{
		{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881},
	}
	var out [3]float64
	for i := range out {
		for j := range c {
			out[i] += by[i][j] * c[j]
		}
		out[i] = min(1, max(0, out[i]))
	}
	return out
}

// lab is a colour in CIE L*a*b*, in which distances are those that people see.
func lab(c [3]float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 0.008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16.0/116
	}
	x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.95047)
	y := f(luminance(c))
	z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// toldApart fails where two colours are near each other, as everybody sees them and as
// people do who do not tell red from green.
func toldApart(t *testing.T, colors map[string]string) {
	t.Helper()
	for a, one := range colors {
		for b, other := range colors {
			if a >= b {
				continue
			}
			for eye, see := range map[string]func([3]float64) [3]float64{
				"most people": func(c [3]float64) [3]float64 { return c }, "deuteranopes": deuteranopia,
			} {
				if d := distance(lab(see(linear(t, one))), lab(see(linear(t, other)))); d < 20 {
					t.Errorf("%s and %s are %.0f apart for %s, want at least 20", a, b, d, eye)
				}
			}
		}
	}
}

func TestMarksAreSeenOnBothThemes(t *testing.T) {
	marks := map[string]string{"bad": bad().mark, "notice": notice().mark, "good": good().mark, "quiet": quiet().mark}
	for name, hex := range marks {
		for _, panel := range []string{darkPanel, lightPanel} {
			if c := contrast(t, hex, panel); c < 3 {
				t.Errorf("%s on %s has a contrast of %.1f, want at least 3", name, panel, c)
			}
		}
	}
	toldApart(t, marks)
}

func TestTextIsReadOnCells(t *testing.T) {
	cells := map[string]string{"bad": bad().cell, "notice": notice().cell, "good": good().cell, "quiet": quiet().cell}
	badges := map[string]string{}
	for _, b := range framework.Badges() {
		badges[b.String()] = badgeColor(b)
	}
	for _, colors := range []map[string]string{cells, badges} {
		for name, hex := range colors {
			if c := contrast(t, hex, onCell(t, hex)); c < 4.5 {
				t.Errorf("the text on %s has a contrast of %.1f, want at least 4.5", name, c)
			}
			// The worst news is not the faintest.
			if c := contrast(t, hex, darkPanel); c < 3 {
				t.Errorf("%s on a dark panel has a contrast of %.1f, want at least 3", name, c)
			}
		}
		toldApart(t, colors)
	}
}

// TestTheStatusesOfATimeLineAreToldApart: they touch each other.
func TestTheStatusesOfATimeLineAreToldApart(t *testing.T) {
	_, words := timeline()
	colors := map[string]string{}
	for _, w := range words {
		colors[w.text] = w.tone.mark
	}
	toldApart(t, colors)
}

// TestEveryColourIsOfThePalette: so the tests above are about all that is shown.
func TestEveryColourIsOfThePalette(t *testing.T) {
	known := map[string]bool{}
	for _, tone := range []tone{bad(), notice(), good(), quiet(), faint()} {
		known[tone.mark], known[tone.cell] = true, true
	}
	for _, b := range framework.Badges() {
		known[badgeColor(b)] = true
	}
	for name := range files() {
		text, err := grafana.Committed(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, hex := range regexp.MustCompile(`"#[0-9a-fA-F]+"`).FindAllString(string(text), -1) {
			if color := hex[1 : len(hex)-1]; !known[color] {
				t.Errorf("%s: the colour %s", name, color)
			}
		}
		for _, named := range regexp.MustCompile(`olor": "(green|red|yellow|orange|blue|purple)"`).FindAllString(string(text), -1) {
			t.Errorf("%s: the colour %s of Grafana, which is another one on each theme", name, named)
		}
	}
}
