// Package badges draws the badges that teams put into a README, a wiki or a dashboard:
// what a service, a check, a team, an org or the fleet has reached, as SVG and as the JSON
// of a shields.io endpoint.
package badges

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Style is how a badge is drawn. The set is closed.
type Style string

// The styles. An unknown one is drawn as Flat, since a badge is never an error.
const (
	Flat       Style = "flat"
	FlatSquare Style = "flat-square"
)

// Styles are all styles.
func Styles() []Style { return []Style{Flat, FlatSquare} }

// Badge is what a badge says.
type Badge struct {
	// Label is the left part, such as readiness, and Message the right one, such as Gold.
	Label, Message string
	// Title says the same in one sentence. A browser shows it as a tooltip, and a screen
	// reader reads it.
	Title string
	// Color is the ground of the message, as #rrggbb.
	Color string
}

const (
	fontSize = 11.0
	height   = 20
	padding  = 6.0
	// baseline is where the letters stand.
	baseline = 14
	// labelColor is the ground of the label.
	labelColor = "#4a5058"
	darkText   = "#1b1f24"
	lightText  = "#ffffff"
	// maxLabel and maxMessage are the number of characters that are shown. The title has
	// the whole text.
	maxLabel, maxMessage = 60, 40
)

// SVG draws the badge. It is well-formed whatever the texts hold, and loads nothing.
func (b Badge) SVG(style Style) []byte {
	label, message := shorten(b.Label, maxLabel), shorten(b.Message, maxMessage)
	left, right := box(label), box(message)
	total := left + right
	spoken := escape(oneLine(b.Label) + ": " + oneLine(b.Message))
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`,
		total, height, total, height, spoken)
	fmt.Fprintf(&svg, "<title>%s</title>", escape(oneLine(b.title())))
	radius := 3
	if style == FlatSquare {
		radius = 0
	}
	// A page that holds several pictures shares their ids, so that they have none.
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" rx="%d" fill="%s"/>`, total, height, radius, labelColor)
	fmt.Fprintf(&svg, `<path d="M%d 0h%da%d %d 0 0 1 %d %dv%da%d %d 0 0 1 -%d %dh-%dz" fill="%s"/>`, left, right-radius,
		radius, radius, radius, radius, height-2*radius, radius, radius, radius, radius, right-radius, b.Color)
	svg.WriteString(`<g text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">`)
	write := func(text string, from, size int, color string) {
		fmt.Fprintf(&svg, `<text x="%s" y="%d" fill="%s" textLength="%s">%s</text>`,
			number(float64(from)+float64(size)/2), baseline, color, number(textWidth(text, fontSize)), escape(text))
	}
	write(label, 0, left, lightText)
	write(message, left, right, textOn(b.Color))
	svg.WriteString("</g></svg>\n")
	return svg.Bytes()
}

// JSON is the badge as a shields.io endpoint answers it.
func (b Badge) JSON() ([]byte, error) {
	body, err := json.Marshal(struct {
		SchemaVersion int    `json:"schemaVersion"`
		Label         string `json:"label"`
		Message       string `json:"message"`
		Color         string `json:"color"`
		LabelColor    string `json:"labelColor"`
	}{1, oneLine(b.Label), oneLine(b.Message), b.Color, labelColor})
	if err != nil {
		return nil, fmt.Errorf("writing a badge as JSON: %w", err)
	}
	return append(body, '\n'), nil
}

func (b Badge) title() string {
	if b.Title != "" {
		return b.Title
	}
	return b.Label + ": " + b.Message
}

// box is the width of the part of the badge that holds a text, in whole pixels.
func box(text string) int { return int(math.Ceil(textWidth(text, fontSize) + 2*padding)) }

// textOn is the colour of letters that contrasts most with a ground.
func textOn(ground string) string {
	if contrast(ground, lightText) >= contrast(ground, darkText) {
		return lightText
	}
	return darkText
}

// contrast is the contrast ratio of two colours by WCAG 2, from 1 to 21.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of a colour by WCAG 2, 0 to 1.
func luminance(color string) float64 {
	value, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 32)
	if err != nil {
		return 0
	}
	linear := func(shift uint) float64 {
		c := float64(value>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

// shorten cuts a text behind a number of characters and marks the cut.
func shorten(text string, limit int) string {
	runes := []rune(oneLine(text))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}

// oneLine makes a text of other systems safe to draw: characters that control, or that
// change the direction of what stands beside them, are removed.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, norm.NFC.String(text))
}

// escape writes text for XML; what XML cannot hold becomes U+FFFD.
func escape(text string) string {
	var out bytes.Buffer
	// A bytes.Buffer never fails.
	_ = xml.EscapeText(&out, []byte(text))
	return out.String()
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
