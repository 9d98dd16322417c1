package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteJSON writes the verdict file.
func (g Gate) WriteJSON(w io.Writer) error { return writeJSON(w, g, "verdict") }

// word is the verdict for people.
func (v GateVerdict) word() string {
	switch v {
	case GateProven:
		return "proven"
	case GateNotProven:
		return "NOT PROVEN"
	case GateUnknown:
	}
	return "CANNOT TELL"
}

func (v GateVerdict) paint() paint {
	switch v {
	case GateProven:
		return green
	case GateNotProven:
		return red
	case GateUnknown:
	}
	return yellow
}

// WriteText writes the verdict, and each check that is not proven.
func (g Gate) WriteText(w io.Writer, style Style) error {
	p := &prose{style: style}
	p.wrapped(g.Verdict.paint(), strings.ToUpper(g.Verdict.word()[:1])+g.Verdict.word()[1:]+": "+clean(g.sentence()))
	for _, c := range g.Checks {
		if c.Verdict == GateProven && c.Status != "exempt" && !style.All {
			continue
		}
		p.blank()
		word := c.Verdict.word()
		if c.Status == "exempt" {
			word = "exempt"
		}
		p.b.WriteString(bold.on(clean(c.ID), style) + "  " + c.Verdict.paint().on(word, style) + "  " + clean(c.Title) + "\n")
		for _, why := range c.Why {
			p.indented(clean(why))
		}
	}
	if text := g.afterWords(); text != "" {
		p.blank()
		p.wrapped(plain, clean(text))
	}
	if g.JudgedAt.IsZero() {
		return flush(w, p.b.String(), "verdict")
	}
	p.blank()
	p.wrapped(dim, clean(fmt.Sprintf("Judged %s by the framework %s %s (%s); %s.", minute(g.JudgedAt),
		g.Framework.Name, g.Framework.Version, g.Framework.Hash, g.restsOn())))
	if g.Target != "" {
		p.wrapped(dim, clean("Target "+strings.TrimSuffix(g.Target, ".")+"."))
	}
	return flush(w, p.b.String(), "verdict")
}

// sentence is Words with its full stop.
func (g Gate) sentence() string {
	if strings.HasSuffix(g.Words, "?") {
		return g.Words
	}
	return g.Words + "."
}

// restsOn names the badge held, or the answers that there are instead.
func (g Gate) restsOn() string {
	if g.Launch != nil {
		return fmt.Sprintf("tier %d, answers of %s", g.Launch.Tier, g.Launch.File)
	}
	return "holds " + g.heldWords()
}

// afterWords name what is left for after a launch; empty for nothing.
func (g Gate) afterWords() string {
	if g.Launch == nil || len(g.Launch.After) == 0 {
		return ""
	}
	ids := make([]string, len(g.Launch.After))
	for i, c := range g.Launch.After {
		ids[i] = c.ID
	}
	return "After the launch, by machines and the catalog: " + strings.Join(ids, ", ") + "."
}

func (g Gate) heldWords() string {
	if name := badgeName(g.Held); name != "none" {
		return name
	}
	return "no badge"
}

// WriteMarkdown writes the verdict as a comment for a pull request.
func (g Gate) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### Readiness of %s: %s\n\n%s\n", Markdown(g.Service), g.Verdict.word(), Markdown(g.sentence()))
	head := false
	for _, c := range g.Checks {
		if c.Verdict == GateProven && c.Status != "exempt" {
			continue
		}
		if !head {
			b.WriteString("\n| check | verdict | why |\n|---|---|---|\n")
			head = true
		}
		word := c.Verdict.word()
		if c.Status == "exempt" {
			word = "exempt"
		}
		title := Markdown(c.Title)
		if c.Link != "" {
			title = "[" + title + "](" + strings.NewReplacer("(", "%28", ")", "%29", " ", "%20").Replace(c.Link) + ")"
		}
		fmt.Fprintf(&b, "| %s (%s) | %s | %s |\n", title, Markdown(c.ID), word, Markdown(strings.Join(c.Why, "; ")))
	}
	if text := g.afterWords(); text != "" {
		fmt.Fprintf(&b, "\n%s\n", Markdown(text))
	}
	if g.JudgedAt.IsZero() {
		return flush(w, b.String(), "verdict")
	}
	fmt.Fprintf(&b, "\n%s of %s proven. Judged %s by the framework %s %s (%s).\n", thousands(g.proven()),
		Plural(len(g.Checks), "check"), minute(g.JudgedAt), Markdown(g.Framework.Name), Markdown(g.Framework.Version),
		Markdown(g.Framework.Hash))
	if g.Target != "" {
		fmt.Fprintf(&b, "\nTarget %s.\n", Markdown(strings.TrimSuffix(g.Target, ".")))
	}
	return flush(w, b.String(), "verdict")
}

// proven counts the checks that are proven, without those that are exempt.
func (g Gate) proven() int {
	n := 0
	for _, c := range g.Checks {
		if c.Verdict == GateProven && c.Status != "exempt" {
			n++
		}
	}
	return n
}

// WriteJUnit writes the verdict as a CI server reads results of tests: what cannot be told
// is an error, and what is exempt is skipped.
func (g Gate) WriteJUnit(w io.Writer) error {
	out := junitSuites{Name: "readiness of " + clean(g.Service)}
	if len(g.Checks) == 0 && g.Verdict != GateProven {
		text := &junitText{Message: g.Verdict.word(), Text: clean(g.sentence())}
		out.add("verdict", junitCase{Class: clean(g.Service), Name: "what was asked", Error: text})
	}
	for _, c := range g.Checks {
		one := junitCase{Class: clean(g.Service), Name: clean(c.ID + ": " + c.Title)}
		text := &junitText{Message: c.Verdict.word(), Text: clean(strings.Join(c.Why, "; "))}
		switch {
		case c.Status == "exempt":
			text.Message = "exempt"
			one.Skipped = text
		case c.Verdict == GateNotProven:
			one.Failure = text
		case c.Verdict == GateUnknown:
			one.Error = text
		}
		out.add(c.Module, one)
	}
	if g.Launch != nil {
		for _, c := range g.Launch.After {
			out.add(c.Module, junitCase{Class: clean(g.Service), Name: clean(c.ID + ": " + c.Title),
				Skipped: &junitText{Message: "after the launch", Text: clean(strings.Join(c.Why, "; "))}})
		}
	}
	return out.write(w)
}

// The parts of SARIF 2.1.0 that code hosts read.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		HelpURI          string    `json:"helpUri,omitempty"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	}
)

// WriteSARIF writes what is not proven for the code scanning of a code host: failures as
// errors, what cannot be told as warnings. file is the file that they are shown at, since
// code hosts show nothing without one.
func (g Gate) WriteSARIF(w io.Writer, file string) error {
	run := sarifRun{Results: []sarifResult{}, Tool: sarifTool{sarifDriver{Name: "readiness collector",
		Version:        clean(g.Framework.Name + " " + g.Framework.Version),
		InformationURI: "https://github.com/prodready/collector", Rules: []sarifRule{}}}}
	for i, c := range g.Checks {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{c.ID, sarifText{clean(c.Title)}, c.Link})
		level := "error"
		switch c.Verdict {
		case GateProven:
			continue
		case GateUnknown:
			level = "warning"
		case GateNotProven:
		}
		physical := sarifPhysical{Artifact: sarifArtifact{file}}
		if c.Line > 0 {
			physical.Region = &sarifRegion{c.Line}
		}
		run.Results = append(run.Results, sarifResult{RuleID: c.ID, RuleIndex: i, Level: level,
			Message: sarifText{clean(c.Title + ": " + strings.Join(c.Why, "; "))},
			Locations: []sarifLocation{{Physical: physical,
				Logical: []sarifLogical{{g.Service, "module"}}}}})
	}
	body, err := json.MarshalIndent(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the verdict as SARIF: %w", err)
	}
	return flush(w, string(body)+"\n", "verdict")
}

// UnknownGate is the answer where the service could not be asked for.
func UnknownGate(service string, q GateQuery, why string, now time.Time) Gate {
	q.MaxAgeSeconds = seconds(q.MaxAge)
	return Gate{Version: 1, Service: service, At: stamp(now), Asked: q, Verdict: GateUnknown, Words: why,
		Checks: []GateCheck{}}
}
