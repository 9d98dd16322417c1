package jira

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// Mode is what a fact observes of the issues that its query finds.
type Mode string

// The modes of a fact.
const (
	// ModeCount counts the issues.
	ModeCount Mode = "count"
	// ModeNewestDoneAge is the age of the newest change to a done status.
	ModeNewestDoneAge Mode = "newest_done_age"
	// ModeMajorIncidents counts incident tickets of severity 1 and 2 of the last
	// 180 days that are older than 10 working days.
	ModeMajorIncidents Mode = "major_incidents"
	// ModePostmortemRatio is the share of those with a linked issue that the
	// query finds and that is done.
	ModePostmortemRatio Mode = "postmortem_ratio"
)

var modes = []string{string(ModeCount), string(ModeNewestDoneAge), string(ModeMajorIncidents),
	string(ModePostmortemRatio)}

// ofIncidents reports whether the fact is made of incident tickets.
func (m Mode) ofIncidents() bool { return m == ModeMajorIncidents || m == ModePostmortemRatio }

// Fact is a fact declared in data.
type Fact struct {
	evidence.Definition
	// Mode is what is observed of the issues.
	Mode Mode
	// JQL selects the issues; it has no order. It is empty for
	// ModeMajorIncidents, whose issues are the incidents of the configuration.
	JQL string
}

// permission is what the account needs for every search.
const permission = "Browse projects"

//go:embed facts.yaml
var embedded []byte

// DefaultFacts are the embedded facts.
func DefaultFacts() ([]Fact, error) { return ParseFacts("facts.yaml", embedded) }

// Definitions lists the embedded facts that a Jira site can give.
func Definitions() ([]evidence.Definition, error) {
	facts, err := DefaultFacts()
	return DefinitionsOf(facts, ""), err
}

// DefinitionsOf lists the definitions of facts on a site whose incidents are
// the issues of the given JQL.
func DefinitionsOf(facts []Fact, incidents string) []evidence.Definition {
	definitions := make([]evidence.Definition, len(facts))
	for i, f := range facts {
		definitions[i] = f.Definition
		asked := []string{string(f.Mode), f.JQL}
		if f.Mode.ofIncidents() {
			asked = append(asked, "of the incidents", incidents)
		}
		definitions[i].Query = strings.Join(strings.Fields(strings.Join(asked, " ")), " ")
	}
	return definitions
}

// MergeFacts adds facts to others. A fact replaces the one of the same name, which
// must have the same mode and decides whether the fact is an outcome.
func MergeFacts(base, more []Fact) ([]Fact, error) {
	merged := slices.Clone(base)
	var errs []error
	for _, f := range more {
		at := slices.IndexFunc(merged, func(have Fact) bool { return have.Name == f.Name })
		switch {
		case at < 0:
			merged = append(merged, f)
		case merged[at].Mode != f.Mode:
			errs = append(errs, fmt.Errorf("fact %s: mode %q is another than %q, which the fact has: use another name", f.Name,
				f.Mode, merged[at].Mode))
		default:
			f.Outcome = merged[at].Outcome
			merged[at] = f
		}
	}
	return merged, errors.Join(errs...)
}

// factDoc is one fact of a file.
type factDoc struct {
	Name    string `yaml:"name"`
	Mode    Mode   `yaml:"mode"`
	JQL     string `yaml:"jql"`
	Help    string `yaml:"help"`
	Outcome bool   `yaml:"outcome"`
	Line    strictyaml.Line
}

// ParseFacts reads a file of facts strictly: an unknown key is an error. The error
// names all that is wrong, with the name of the file.
func ParseFacts(name string, data []byte) ([]Fact, error) {
	var file struct {
		Facts []factDoc `yaml:"facts"`
	}
	document, err := strictyaml.Read(name, data, &file)
	if document == nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	var facts []Fact
	var faults *strictyaml.Faults
	errs := []error{err}
	errors.As(err, &faults)
	for i, doc := range file.Facts {
		if faults.Below(fmt.Sprintf("facts[%d]", i)) {
			continue
		}
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, doc.Line, fmt.Errorf(format, args...)))
		}
		f := doc.fact()
		switch {
		case !slices.Contains(modes, string(f.Mode)):
			bad("fact %s: mode %q is not known%s: want %s", f.Name, f.Mode, nearest.Suggest(string(f.Mode), modes),
				strings.Join(modes, ", "))
			continue
		case !strings.HasPrefix(f.Name, "jira."):
			bad("fact %q: the name must begin with jira.", f.Name)
		case slices.ContainsFunc(facts, func(have Fact) bool { return have.Name == f.Name }):
			bad("fact %s is declared twice", f.Name)
		}
		if f.Mode == ModeMajorIncidents {
			if f.JQL != "" {
				bad("fact %s: its issues are the configured incidents; leave jql out", f.Name)
			}
		} else if err := checkJQL(f.JQL); err != nil {
			bad("fact %s: jql: %w", f.Name, err)
		}
		if err := f.Validate(); err != nil {
			bad("%w", err)
		}
		facts = append(facts, f)
	}
	for _, mode := range []Mode{ModeMajorIncidents, ModePostmortemRatio} {
		if n := len(slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return f.Mode != mode })); n > 1 {
			errs = append(errs, fmt.Errorf("%s: %d facts have mode %s, which takes no parameters: keep one", name, n, mode))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return facts, nil
}

func (d factDoc) fact() Fact {
	f := Fact{Mode: d.Mode, JQL: strings.TrimSpace(d.JQL), Definition: evidence.Definition{
		Name: d.Name, Pack: "jira", Help: d.Help, Outcome: d.Outcome || d.Mode.ofIncidents(),
		Permissions: []string{permission},
	}}
	switch d.Mode {
	case ModeCount:
		f.Kind = evidence.KindInt
		f.Absent = "0 when Jira answered and no issue matches"
	case ModeNewestDoneAge:
		f.Kind, f.Unit, f.Clock = evidence.KindDouble, "days", evidence.Elapsed
		f.Absent = "infinite when Jira answered and no issue matches"
		// A ticket that is done on any site counts.
		f.Merge = evidence.MergeMin
	case ModeMajorIncidents:
		f.Kind, f.Window = evidence.KindInt, majorWindow
		f.Absent = "0 when Jira answered and there were none"
	case ModePostmortemRatio:
		f.Kind, f.Unit, f.Window = evidence.KindDouble, "ratio", majorWindow
		f.Absent = "1 when Jira answered and there were no major incidents"
	}
	if d.Mode.isThrottled() {
		f.FreshAtLeast = slowFresh
	}
	return f
}
