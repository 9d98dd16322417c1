package review

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/prodready/collector/internal/browsertest"
	"github.com/prodready/collector/report"
)

// element is what the page has of one element.
type element struct {
	name       string
	attributes map[string]string
	// inside are the elements that it is in, the outermost first.
	inside []string
}

// elements reads the page as XML, which it is but for its doctype: every element is
// closed, and every attribute has quotes.
func elements(t *testing.T, page string) []element {
	t.Helper()
	page = strings.TrimPrefix(page, "<!DOCTYPE html>")
	decoder := xml.NewDecoder(strings.NewReader(closeEmpty.ReplaceAllString(page, "<$1$2/>")))
	decoder.Entity = xml.HTMLEntity
	var list []element
	var open []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			found := element{e.Name.Local, map[string]string{}, append([]string{}, open...)}
			for _, a := range e.Attr {
				found.attributes[a.Name.Local] = a.Value
			}
			list = append(list, found)
			open = append(open, e.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("%v are not closed", open)
	}
	return list
}

// closeEmpty closes the elements that HTML leaves open.
var closeEmpty = regexp.MustCompile(`<(meta|br)([^>]*)>`)

func plantedPeriods(t *testing.T) []*Review {
	t.Helper()
	var list []*Review
	for _, period := range []string{"week", "month", "quarter", "2026-11-01..2026-11-23"} {
		in := planted(t)
		p, err := ParsePeriod(period, now())
		if err != nil {
			t.Fatal(err)
		}
		in.Period = p
		list = append(list, New(in))
	}
	empty := planted(t)
	empty.Snapshot.Services, empty.Transitions = nil, nil
	return append(list, New(empty))
}

// The page is one file: it loads nothing, has no script, and no style that its policy
// does not allow.
func TestThePageIsSelfContained(t *testing.T) {
	allowed := map[string]bool{}
	for name := range strings.FieldsSeq("html head meta title style body main header section h1 h2 h3 p b br small strong " +
		"ul ol li nav a figure figcaption i svg path text circle details summary div table caption thead tbody tr th td") {
		allowed[name] = true
	}
	for _, r := range plantedPeriods(t) {
		page := string(written(t, r, HTML))
		for _, e := range elements(t, page) {
			if !allowed[e.name] {
				t.Errorf("%s: an element %s", r.Period.Name, e.name)
			}
			for name, value := range e.attributes {
				local := strings.HasPrefix(value, "#") && e.name == "a" && name == "href"
				if name == "style" || name == "src" || strings.HasPrefix(name, "on") || name == "href" && !local ||
					strings.Contains(value, "://") && name != "xmlns" {
					t.Errorf("%s: %s has %s=%q", r.Period.Name, e.name, name, value)
				}
			}
		}
		css := page[strings.Index(page, "<style>"):strings.Index(page, "</style>")]
		if strings.Contains(css, "url(") || strings.Contains(css, "@import") || strings.Contains(css, "<!--") {
			t.Error("the style sheet loads something")
		}
		if css != "<style>"+pageCSS {
			t.Error("the style sheet is not the one whose hash the policy allows")
		}
	}
}

func TestTheListOfReviews(t *testing.T) {
	var out strings.Builder
	if err := WriteIndex(&out, []string{"2026-W47", "2026-11", "2026-W46", "../x", hostile}); err != nil {
		t.Fatal(err)
	}
	var links []string
	for _, e := range elements(t, out.String()) {
		if e.name == "a" {
			links = append(links, e.attributes["href"])
		}
	}
	want := "../ 2026-W47.html 2026-W47.md 2026-W47.json 2026-W46.html 2026-W46.md 2026-W46.json 2026-11.html 2026-11.md " +
		"2026-11.json"
	if got := strings.Join(links, " "); got != want {
		t.Errorf("links %s, want %s", got, want)
	}
	if !strings.Contains(out.String(), pageCSS) {
		t.Error("its style sheet is not the one that the policy allows")
	}
}

// What people write in titles and names is text.
func TestThePageEscapes(t *testing.T) {
	in := planted(t)
	for i := range in.Snapshot.Services {
		in.Snapshot.Services[i].Entry.Team, in.Snapshot.Services[i].Entry.Org = hostile, hostile+string(rune('a'+i%2))
	}
	page := string(written(t, New(in), HTML))
	elements(t, page)
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") || !strings.Contains(page, "&lt;script&gt;") {
		t.Error("a title became markup")
	}
}

// axe-core finds nothing that keeps people from reading a review, or the list of them.
func TestReviewsAreAccessible(t *testing.T) {
	pages := map[string]string{}
	for i, r := range plantedPeriods(t) {
		pages[fmt.Sprint(i, " ", r.Period.Name)] = string(written(t, r, HTML))
	}
	var index strings.Builder
	if err := WriteIndex(&index, []string{"2026-W47", "2026-11"}); err != nil {
		t.Fatal(err)
	}
	pages["the list"] = index.String()
	browsertest.Accessible(t, pages)
}

// Each chart has a title, for those who do not see it too, and the table that it is drawn
// of.
func TestEachChartHasATitleAndATable(t *testing.T) {
	for _, r := range plantedPeriods(t) {
		charts, titles, captions, tables := 0, 0, 0, 0
		for _, e := range elements(t, string(written(t, r, HTML))) {
			inside := strings.Join(e.inside, " ")
			switch {
			case e.name == "svg":
				charts++
				if e.attributes["role"] != "img" || !strings.Contains(inside, "figure") {
					t.Errorf("an svg in %s with %v", inside, e.attributes)
				}
			case e.name == "title" && strings.Contains(inside, "svg"):
				titles++
			case e.name == "figcaption":
				captions++
			case e.name == "table" && strings.Contains(inside, "figure"):
				tables++
			}
		}
		if titles != charts || captions != charts || tables != charts {
			t.Errorf("%s: %d charts, %d titles, %d captions, %d tables", r.Period.Name, charts, titles, captions, tables)
		}
		if want := 2; r.Scope.Services > 0 && charts != want {
			t.Errorf("%s: %d charts, want %d", r.Period.Name, charts, want)
		}
	}
}

// What is not known is a hole in the line, not a point at 0.
func TestAChartHasHoles(t *testing.T) {
	c := &chart{title: "T", kind: lines, unit: unitRatio, labels: []string{"a", "b", "c", "d", "e"}, series: []series{
		{"x", []*float64{known(0.5, true), nil, nil, known(0.5, true), known(0.5, true)}}}}
	svg, err := c.svg()
	if err != nil {
		t.Fatal(err)
	}
	points := map[string]bool{}
	for _, point := range regexp.MustCompile(`<circle cx="\d+"`).FindAllString(string(svg), -1) {
		points[point] = true
	}
	if len(points) != 3 {
		t.Errorf("points at %v, want 3", points)
	}
	for _, s := range c.series {
		clear(s.values)
	}
	if !c.empty() {
		t.Error("a chart of nothing is not empty")
	}
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<svg.*?</svg>|<[^>]*>`)

// words are those of a text without markup, in their order.
func plainWords(text string) string {
	text = tags.ReplaceAllString(text, " ")
	text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#34;", `"`, "&#39;", "'", "&#47;", "/", `\`, "",
		"&#43;", "+").Replace(text)
	return strings.Join(strings.Fields(strings.NewReplacer("|", " ", "*", " ").Replace(text)), " ")
}

// All that tables, lists and paragraphs say is the same in the page and in Markdown, and
// the three numbers are in the post.
func TestAllFormatsShowTheSame(t *testing.T) {
	for _, r := range plantedPeriods(t) {
		page, text := plainWords(string(written(t, r, HTML))), plainWords(string(written(t, r, Markdown)))
		post := plainWords(string(written(t, r, Short)))
		d := r.document()
		check := func(cell string) {
			cell = plainWords(report.Markdown(cell))
			if !strings.Contains(page, cell) || !strings.Contains(text, cell) {
				t.Errorf("%s: %q is not in both", r.Period.Name, cell)
			}
		}
		check(d.sentence)
		for _, s := range d.sections {
			for _, p := range s.parts {
				check(p.text)
				for _, line := range p.list {
					check(line)
				}
				if p.table == nil {
					continue
				}
				for _, row := range p.table.rows {
					check(strings.Join(row, " "))
				}
			}
		}
		read, err := Parse(written(t, r, JSON))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range read.Summary.Numbers {
			for _, value := range []string{n.nowText(), n.beforeText()} {
				if !strings.Contains(page, value) || !strings.Contains(text, value) || !strings.Contains(post, value) {
					t.Errorf("%s: %s is %s, and not in all formats", r.Period.Name, n.Name, value)
				}
			}
		}
	}
}

func TestWordsOfValues(t *testing.T) {
	for _, c := range []struct {
		value float64
		unit  string
		want  string
	}{
		{0.999, unitRatio, "99 %"}, {1, unitRatio, "100 %"}, {0.001, unitRatio, "< 1 %"}, {0, unitRatio, "0 %"},
		{59, unitSeconds, "59 s"}, {90, unitSeconds, "2 min"}, {3 * 3600, unitSeconds, "3.0 h"},
		{72 * 3600, unitSeconds, "3.0 days"}, {12345, unitCount, "12,345"},
	} {
		if got := valueText(&c.value, c.unit); got != c.want {
			t.Errorf("%v %s is %q, want %q", c.value, c.unit, got, c.want)
		}
	}
	if got := valueText(nil, unitCount); got != notKnown {
		t.Errorf("nothing is %q", got)
	}
}
