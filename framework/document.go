package framework

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/strictyaml"
)

// APIVersion is the version of the framework file format.
const APIVersion = "readiness/v1"

// Kind is the kind of a framework file.
const Kind = "Framework"

// File is the text of one framework file.
type File struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Document is a parsed framework before its expressions are compiled.
type Document struct {
	header  header
	modules []moduleDoc
	// Text is every file as read but fixtures, as JSON: of the framework that is extended, too.
	Text []byte
	// Extends is the name and version of the framework that this one changes; empty if it
	// extends none. Changed, Added and Dropped are the ids of checks, in the order of the files.
	Extends                 string
	Changed, Added, Dropped []string
	files                   []File
	fixtures                map[string][]fixtureDoc
	// positions are those of the keys of the header, keyFiles their files, file that of the
	// header itself; see place.
	positions map[string]strictyaml.Position
	keyFiles  map[string]string
	file      string
	// meaning is that of a document that was judged by before; see Restore.
	meaning *Meaning
}

type header struct {
	APIVersion   string                    `yaml:"apiVersion"`
	Kind         string                    `yaml:"kind"`
	Name         string                    `yaml:"name"`
	Version      string                    `yaml:"version"`
	AwardDwell   duration                  `yaml:"award_dwell"`
	LapseAfter   map[string]duration       `yaml:"lapse_after"`
	MaxExemption duration                  `yaml:"max_exemption"`
	Targets      []targetDoc               `yaml:"targets"`
	Requirements map[string]requirementDoc `yaml:"requirements"`
	Levels       []levelDoc                `yaml:"levels"`
	Changelog    []changeDoc               `yaml:"changelog"`
	Modules      []moduleDoc               `yaml:"modules"`
	// Retired are the ids of checks that earlier versions had.
	Retired []string `yaml:"retired"`
	// Extends is the framework that this one changes; Checks and Drop say what.
	Extends string              `yaml:"extends"`
	Checks  map[string]checkDoc `yaml:"checks"`
	Drop    []string            `yaml:"drop"`
	// Fixtures are cases of checks that have no file of their own.
	Fixtures map[string][]fixtureDoc `yaml:"fixtures"`
}

type levelDoc struct {
	Name    string `yaml:"name"`
	Meaning string `yaml:"meaning"`
	Relies  string `yaml:"what_to_rely_on"`
}

type targetDoc struct {
	Tiers []int  `yaml:"tiers"`
	Badge string `yaml:"badge"`
	Due   string `yaml:"due"`
}

type requirementDoc struct {
	MaxExempt            *int `yaml:"max_exempt"`
	ExemptFromLevel      int  `yaml:"exempt_from_level"`
	MaxAttestedPerModule *int `yaml:"max_attested_per_module"`
	MaxAttested          *int `yaml:"max_attested"`
}

type changeDoc struct {
	Version string   `yaml:"version"`
	Date    string   `yaml:"date"`
	Notes   []string `yaml:"notes"`
}

type moduleDoc struct {
	ID           string `yaml:"id"`
	Name         string `yaml:"name"`
	Objective    string `yaml:"objective"`
	Docs         string `yaml:"docs"`
	Scale        string `yaml:"scale"`
	RequiredFrom string `yaml:"required_from"`
	// Weight is a factor for the weights of the checks in the score of a service.
	Weight float64 `yaml:"weight"`
	// Levels say what a service does at each level, the first at level 1.
	Levels []string   `yaml:"levels"`
	Links  []linkDoc  `yaml:"links"`
	Checks []checkDoc `yaml:"checks"`
	Line   strictyaml.Line

	file string
}

// checkFile is a file of one check, which names its module.
type checkFile struct {
	Module string `yaml:"module"`
	checkDoc
}

type checkDoc struct {
	ID        string     `yaml:"id"`
	Level     int        `yaml:"level"`
	Title     string     `yaml:"title"`
	Objective string     `yaml:"objective"`
	Why       string     `yaml:"why"`
	Scope     scopeDoc   `yaml:"scope"`
	Proofs    []proofDoc `yaml:"proofs"`
	// Value is the threshold that replaces {value} in the proofs and the texts, Values
	// are those of other names.
	Value  number            `yaml:"value"`
	Values map[string]number `yaml:"values"`
	// Steps are the thresholds of higher levels, by level, in place of value.
	Steps map[string]number `yaml:"steps"`
	// Judged says in words what the proofs say.
	Judged      string   `yaml:"judged"`
	Weight      float64  `yaml:"weight"`
	Dwell       duration `yaml:"dwell"`
	ClaimsFor   duration `yaml:"claims_good_for"`
	EnforceFrom string   `yaml:"enforce_from"`
	Effort      string   `yaml:"effort"`
	Remediation []string `yaml:"remediation"`
	// Remedies are what mends a part of a proof, by the fact that it compares.
	Remedies map[string]string `yaml:"remedies"`
	// Attest is what a ticket that attests the check has to show.
	Attest  string     `yaml:"attest"`
	Example exampleDoc `yaml:"example"`
	Links   []linkDoc  `yaml:"links"`
	Ground  string     `yaml:"ground"`
	Note    string     `yaml:"note"`
	Since   string     `yaml:"since"`
	// Lifecycle is experimental, stable or deprecated; ReplacedBy is the check or the
	// sentence that a deprecated one is replaced by.
	Lifecycle  string `yaml:"lifecycle"`
	ReplacedBy string `yaml:"replaced_by"`
	Line       strictyaml.Line

	file string
	// isStep is set for a check that was made of a step of another one, with its texts.
	isStep bool
}

// exampleDoc may be written as its text alone.
type exampleDoc struct {
	Language string `yaml:"language"`
	Shows    string `yaml:"shows"`
	Text     string `yaml:"text"`
}

// UnmarshalText reads an example of which only the text is given.
func (e *exampleDoc) UnmarshalText(text []byte) error {
	e.Text = string(text)
	return nil
}

// linkDoc may be written as its address alone.
type linkDoc struct {
	Title string `yaml:"title"`
	URL   string `yaml:"url"`
}

// UnmarshalText reads a link of which only the address is given.
func (l *linkDoc) UnmarshalText(text []byte) error {
	l.URL = string(text)
	return nil
}

func links(docs []linkDoc) []Link {
	list := make([]Link, len(docs))
	for i, l := range docs {
		list[i] = Link(l)
	}
	return list
}

type scopeDoc struct {
	Tiers []int  `yaml:"tiers"`
	When  string `yaml:"when"`
}

type proofDoc struct {
	By   string `yaml:"by"`
	Mode string `yaml:"mode"`
	Pass string `yaml:"pass"`
}

// duration reads Go durations and whole days: 36h, 14d.
type duration time.Duration

// Wants says how a duration is written.
func (*duration) Wants() string { return "a positive time such as 90m, 24h or 14d" }

// UnmarshalText reads the duration.
func (d *duration) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 && days[0] != '0' {
			*d = duration(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed <= 0 {
		return fmt.Errorf("duration %q: want %s", text, d.Wants())
	}
	*d = duration(parsed)
	return nil
}

// fillIn makes checks of steps, and puts the thresholds into the proofs and the texts.
func (d *Document) fillIn() error {
	var faults []error
	for k := range d.modules {
		m := &d.modules[k]
		faults = append(faults, m.steps()...)
		for i := range m.Checks {
			faults = append(faults, m.Checks[i].fillIn()...)
		}
	}
	return errors.Join(faults...)
}

func (c *checkDoc) place() string { return fmt.Sprintf("%s:%d: check %s", c.file, c.Line, c.ID) }

// AttestationPack is the family of facts that people attest on review tickets.
const AttestationPack = "attest"

// AttestationFact is the name of the fact that says a check is attested:
// attest.cicd_no_drift for cicd.no-drift.
func AttestationFact(check string) string {
	return AttestationPack + "." + strings.NewReplacer(".", "_", "-", "_").Replace(check)
}

// AttestationLabel is the label a ticket carries to attest a check:
// attest-cicd-no-drift for cicd.no-drift.
func AttestationLabel(check string) string {
	return AttestationPack + "-" + strings.ReplaceAll(check, ".", "-")
}

// FeedbackLabel is the label that a ticket with feedback about a check carries:
// about-cicd-no-drift for cicd.no-drift.
func FeedbackLabel(check string) string { return "about-" + strings.ReplaceAll(check, ".", "-") }

// ExemptionLabel is the label of a ticket that asks for an exemption from a check:
// exempt-cicd-no-drift for cicd.no-drift.
func ExemptionLabel(check string) string { return "exempt-" + strings.ReplaceAll(check, ".", "-") }

// Checks lists the ids of all checks, in their order.
func (d *Document) Checks() []string {
	var ids []string
	for _, m := range d.modules {
		for _, c := range m.Checks {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Titles are the titles of all checks by id.
func (d *Document) Titles() map[string]string {
	titles := map[string]string{}
	for _, m := range d.modules {
		for _, c := range m.Checks {
			titles[c.ID] = c.Title
		}
	}
	return titles
}

// Attestation is one check that people can attest on a review ticket.
type Attestation struct {
	Check string
	Level int
	// GoodFor is how long an attestation is good from the time it was made, if the
	// check asks for less than MaxAttestationAge; else 0.
	GoodFor time.Duration
	Fact    evidence.Definition
}

// MaxAttestationAge is the longest an attestation of a check of the level is good.
func MaxAttestationAge(level int) time.Duration {
	if level >= 4 {
		return 180 * 24 * time.Hour
	}
	return 365 * 24 * time.Hour
}

// NeedsLink reports whether an attestation needs a link to evidence: from level 3 (Gold).
func (a Attestation) NeedsLink() bool { return a.Level >= 3 }

// NeedsSecondPerson reports whether another person than the assignee has to close it: from
// level 4 (Platinum).
func (a Attestation) NeedsSecondPerson() bool { return a.Level >= 4 }

// ValidFor is how long an attestation of the check is valid.
func (a Attestation) ValidFor() time.Duration {
	longest := MaxAttestationAge(a.Level)
	if a.GoodFor == 0 {
		return longest
	}
	return min(a.GoodFor, longest)
}

// Attestations lists the attestations that the proofs of the document read.
func (d *Document) Attestations() []Attestation {
	var out []Attestation
	for _, m := range d.modules {
		for _, c := range m.Checks {
			if !c.attested() {
				continue
			}
			name := AttestationFact(c.ID)
			out = append(out,
				Attestation{Check: c.ID, Level: c.Level, GoodFor: time.Duration(c.ClaimsFor), Fact: evidence.Definition{
					Name: name, Kind: evidence.KindBool, Pack: AttestationPack,
					Help:   fmt.Sprintf("%q is attested on the service's review ticket, and the attestation is still valid.", c.Title),
					Absent: "false when Jira answered and there is no attestation",
					Merge:  evidence.MergeAny, Permissions: []string{"Browse projects"},
				}})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Check < out[j].Check })
	return out
}
