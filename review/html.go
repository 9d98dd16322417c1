package review

import (
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/prodready/collector/report"
)

//go:embed review.html
var pageHTML string

//go:embed review.css
var pageCSS string

// ContentSecurityPolicy allows the one style sheet that is part of the page, by its hash,
// and nothing else.
func ContentSecurityPolicy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// pageView is what the template shows.
type pageView struct {
	CSS                        template.CSS
	Title, Sentence, Direction string
	Numbers                    []numberView
	Actions                    []actionView
	About                      []string
	Sections                   []sectionView
}

type numberView struct{ Name, Now, Before, Change, Basis string }

type actionView struct{ Text, Why string }

type sectionView struct {
	ID, Title string
	Parts     []partView
}

type partView struct {
	Text  string
	List  []string
	Chart *chartView
	Table *tableView
}

type chartView struct {
	Title  string
	SVG    template.HTML
	Legend []legendEntry
}

type tableView struct {
	Caption string
	// Wide is true for a table that has no place on a phone: its rows become lists there.
	Wide bool
	Head []cellView
	Rows [][]cellView
}

// cellView is a cell, and the head of its column.
type cellView struct {
	Name, Head string
	Right      bool
}

// narrow is how many columns have a place on a phone.
const narrow = 4

// writeHTML writes the review as one page without scripts, which loads nothing.
func (r *Review) writeHTML(w io.Writer) error {
	page, err := template.New("review").Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("reading the page of reviews: %w", err)
	}
	view, err := r.pageView()
	if err != nil {
		return err
	}
	if err := page.Execute(w, view); err != nil {
		return fmt.Errorf("writing the review as HTML: %w", err)
	}
	return nil
}

func (r *Review) pageView() (pageView, error) {
	d := r.document()
	v := pageView{
		CSS:   template.CSS(pageCSS), //nolint:gosec // it is a part of the program
		Title: report.Unbroken(d.title), Sentence: report.Unbroken(d.sentence), Direction: string(r.Summary.Direction),
	}
	for _, text := range d.about {
		v.About = append(v.About, report.Unbroken(text))
	}
	for i := range r.Summary.Numbers {
		n := &r.Summary.Numbers[i]
		basis := n.basis()
		if basis == none {
			basis = ""
		}
		v.Numbers = append(v.Numbers, numberView{n.Name, n.nowText(), n.beforeText(), n.Change, basis})
	}
	for _, a := range d.actions {
		v.Actions = append(v.Actions, actionView{report.Unbroken(a.text), report.Unbroken(a.why)})
	}
	for _, s := range d.sections {
		section := sectionView{ID: s.id, Title: s.title}
		for _, p := range s.parts {
			part, err := p.view()
			if err != nil {
				return v, err
			}
			section.Parts = append(section.Parts, part)
		}
		v.Sections = append(v.Sections, section)
	}
	return v, nil
}

func (p *part) view() (partView, error) {
	v := partView{Text: report.Unbroken(p.text)}
	for _, line := range p.list {
		v.List = append(v.List, report.Unbroken(line))
	}
	if p.table != nil {
		v.Table = p.table.view()
	}
	if p.chart == nil || p.chart.empty() {
		return v, nil
	}
	svg, err := p.chart.svg()
	v.Chart = &chartView{Title: p.chart.title, SVG: svg, Legend: p.chart.legend()}
	return v, err
}

func (t *table) view() *tableView {
	v := &tableView{Caption: report.Unbroken(t.caption), Wide: len(t.head) > narrow}
	for _, c := range t.head {
		v.Head = append(v.Head, cellView{report.Unbroken(c.name), "", c.right})
	}
	for _, row := range t.rows {
		cells := make([]cellView, len(row))
		for i, text := range row {
			cells[i] = cellView{report.Unbroken(text), v.Head[i].Name, t.head[i].right}
		}
		v.Rows = append(v.Rows, cells)
	}
	return v
}
