package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// Trials is what the fixtures of a framework say: the answer of `collector framework test`.
type Trials struct {
	Framework string `json:"framework"`
	// Checks is the number of checks with a fixture, Failed the number of fixtures that fail.
	Checks int `json:"checks"`
	Failed int `json:"failed"`
	// Cases are in framework order.
	Cases []TrialCase `json:"cases"`
}

// TrialCase is one fixture.
type TrialCase struct {
	Check  string `json:"check"`
	Module string `json:"module"`
	Case   string `json:"case"`
	// Place is the file and line.
	Place string `json:"place"`
	Want  string `json:"want"`
	Got   string `json:"got"`
	OK    bool   `json:"ok"`
	// Error is why an expression failed.
	Error string `json:"error,omitempty"`
}

// NewTrials is the view of tried fixtures.
func NewTrials(f *framework.Framework, trials []scoring.Trial) Trials {
	out := Trials{Framework: f.Title(), Cases: make([]TrialCase, len(trials))}
	checks := map[string]bool{}
	for i := range trials {
		t := &trials[i]
		checks[t.Check] = true
		c := TrialCase{Check: t.Check, Module: t.Module, Case: t.Case, Place: t.Place, OK: t.OK(), Want: t.Want,
			Got: t.Got.String()}
		if t.By != "" {
			c.Want, c.Got = c.Want+" by "+string(t.By), c.Got+" by "+cmp.Or(string(t.GotBy), "none")
		}
		if t.Err != nil {
			c.Error = t.Err.Error()
		}
		if !c.OK {
			out.Failed++
		}
		out.Cases[i] = c
	}
	out.Checks = len(checks)
	return out
}

// WriteTable writes one line if all fixtures are as they want, else those that are not.
func (t Trials) WriteTable(w io.Writer, style Style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s", clean(t.Framework), Plural(len(t.Cases), "fixture"), Plural(t.Checks, "check"))
	if t.Failed == 0 {
		b.WriteString(", all as they want\n")
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, ", %d failed\n\n", t.Failed)
	g := &grid{columns: []column{
		{head: "PLACE", whole: true}, {head: "CHECK", whole: true}, {head: "WANT"}, {head: "GOT"},
		{head: "CASE", min: 12, wrap: true, fold: true},
	}}
	for _, c := range t.Cases {
		if !c.OK {
			text := c.Case
			if c.Error != "" {
				text = strings.TrimPrefix(text+": "+c.Error, ": ")
			}
			g.rows = append(g.rows, []string{clean(c.Place), clean(c.Check), c.Want, c.Got, clean(text)})
		}
	}
	g.write(&b, style)
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes all of it.
func (t Trials) WriteJSON(w io.Writer) error { return writeJSON(w, t, "fixtures") }

// WriteJUnit writes the fixtures as a CI server reads results of tests: a suite for each
// module, a class for each check.
func (t Trials) WriteJUnit(w io.Writer) error {
	out := junitSuites{Name: clean(t.Framework)}
	for _, c := range t.Cases {
		one := junitCase{Class: clean(c.Check), Name: clean(cmp.Or(c.Case, c.Place)), File: clean(c.Place)}
		if !c.OK {
			one.Failure = &junitText{
				Message: "want " + c.Want + ", got " + c.Got, Text: clean(strings.TrimSpace(c.Place + " " + c.Error)),
			}
		}
		out.add(c.Module, one)
	}
	return out.write(w)
}
