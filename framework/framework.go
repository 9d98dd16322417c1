// Package framework holds readiness criteria: modules, checks, badges and
// targets as versioned data, and their CEL expressions as compiled programs.
// The default framework is embedded.
package framework

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// Badge is a badge, or the level a badge needs. The zero value is no badge.
type Badge int

// The badges, each the level that every applicable module must have reached.
const (
	NoBadge Badge = iota
	Bronze
	Silver
	Gold
	Platinum
	Diamond
)

// Badges lists all badges from none to Diamond.
func Badges() []Badge { return []Badge{NoBadge, Bronze, Silver, Gold, Platinum, Diamond} }

var badgeNames = [...]string{"none", "bronze", "silver", "gold", "platinum", "diamond"}

// String is the badge's name in lower case; "none" for no badge.
func (b Badge) String() string {
	if b < 0 || int(b) >= len(badgeNames) {
		return "none"
	}
	return badgeNames[b]
}

// ParseBadge is the inverse of Badge.String.
func ParseBadge(name string) (Badge, error) {
	for i, n := range badgeNames {
		if n == name {
			return Badge(i), nil
		}
	}
	return NoBadge, fmt.Errorf(
		"unknown badge %q%s: want none, bronze, silver, gold, platinum or diamond", name,
		nearest.Suggest(name, badgeNames[:]),
	)
}

// ProofKind says what kind of evidence a proof rests on, strongest first.
type ProofKind string

// The kinds of proof.
const (
	ByMachine  ProofKind = "machine"
	ByTicket   ProofKind = "ticket"
	ByCatalog  ProofKind = "catalog"
	ByAttested ProofKind = "attested"
)

// Scale says how a module is judged.
type Scale string

// The scales of a module.
const (
	Maturity Scale = "maturity"
	PassFail Scale = "pass_fail"
)

// Framework is a compiled readiness framework. It is immutable and safe for
// concurrent use.
type Framework struct {
	// Name and Version are those of the file; Hash identifies the Meaning.
	Name, Version, Hash string
	// Extends is the name and version of the framework that this one changes; empty if it
	// extends none. Changed, Added and Dropped are the ids of the checks that differ.
	Extends                 string
	Changed, Added, Dropped []string
	// Meaning is what is judged by, without what people read.
	Meaning Meaning
	// Text is the files and the meaning, to be stored for Restore.
	Text []byte
	// Modules in the order of the file.
	Modules []*Module
	// Checks of all modules in order; Check.Index is the position here.
	Checks []*Check
	// Targets in the order of the file; the first that matches decides.
	Targets []Target
	// Requirements are what a badge asks beyond levels, by badge.
	Requirements map[Badge]Requirement
	// AwardDwell is how long a badge must have been proved before it is given.
	AwardDwell time.Duration
	// MaxExemption is how long an exemption may last from now on; 0 for any time.
	// `collector check` holds exemptions to it; judging does not.
	MaxExemption time.Duration
	// LapseAfter is how long a badge is on hold before it lapses, by badge.
	LapseAfter map[Badge]time.Duration
	// Levels say what the five levels mean, the first is level 1; empty if the framework
	// does not say it.
	Levels []Level
	// Changelog is newest first.
	Changelog []Change
	// Retired are the ids of checks that earlier versions had: they are not used again.
	Retired []string

	facts    *evidence.Facts
	watches  []*Watch
	byID     map[string]*Check
	textHash string
}

// Title is the name and version of the framework: default 1.1.0.
func (f *Framework) Title() string { return f.Name + " " + f.Version }

// Facts is the closed set of facts the expressions were compiled against.
func (f *Framework) Facts() *evidence.Facts { return f.facts }

// Check finds a check by id. The error of an unknown id suggests the nearest.
func (f *Framework) Check(id string) (*Check, error) {
	if c, ok := f.byID[id]; ok {
		return c, nil
	}
	ids := make([]string, len(f.Checks))
	for i, c := range f.Checks {
		ids[i] = c.ID
	}
	return nil, fmt.Errorf("unknown check %q%s", id, nearest.Suggest(id, ids))
}

// Module is one readiness area.
type Module struct {
	ID, Name, Objective, Docs string
	Scale                     Scale
	// RequiredFrom is, for a pass/fail module, the first badge that needs it.
	RequiredFrom Badge
	// Levels say what a service does at each level, the first at level 1.
	Levels []string
	Links  []Link
	Checks []*Check
	// Weight is a factor for the weights of the checks in the score of a service; 0 means 1.
	Weight float64
}

// Level is what a level means in all modules.
type Level struct {
	Name, Meaning string
	// Relies is what others can rely on when a service has the badge of the level.
	Relies string
}

// Link is a page to read.
type Link struct{ Title, URL string }

// Example is a text to begin with.
type Example struct {
	// Language is what reads the text: yaml, promql, ticket, terraform, catalog.
	Language string
	// Shows says what the text does.
	Shows, Text string
}

// Check is one requirement.
type Check struct {
	// Index is the position in Framework.Checks.
	Index  int
	ID     string
	Module *Module
	// Level is 1 to 5.
	Level  int
	Weight float64
	// Tiers the check applies to, ascending.
	Tiers []int
	// When narrows the scope by catalog attributes; nil means always.
	When   *Expression
	Proofs []Proof
	// Dwell is how long a contradiction must last before it costs a badge.
	Dwell time.Duration
	// EnforceFrom is when the check begins to count; zero means always.
	EnforceFrom time.Time
	// What people read. Judged is what the proofs say in words, Attest what a ticket that
	// attests the check has to show.
	Title, Objective, Why, Judged, Attest, Ground, Note string
	Example                                             Example
	// Remediation are the steps that mend it; Effort is S (hours), M (days) or
	// L (weeks); Since is the framework version that brought the check.
	Remediation []string
	Effort      string
	Links       []Link
	// Remedies say by the name of a fact what mends the part of a proof that compares it.
	Remedies map[string]string
	Since    string
	// Lifecycle says whether the check counts, and whether it stays. ReplacedBy is, for a
	// deprecated one, the id of the check that replaces it, or what does in words.
	Lifecycle  Lifecycle
	ReplacedBy string
	// Facts are the indexes of all facts the proofs read, ascending.
	Facts []int
	// Outcome marks checks that read facts derived from incidents or alerts.
	Outcome bool

	// goodFor is how long an attestation of the check is good; 0 for the usual.
	goodFor    time.Duration
	attestable bool
}

// ScoreWeight is how much the check counts in the score of a service: its weight times that of
// its module.
func (c *Check) ScoreWeight() float64 { return c.Weight * cmp.Or(c.Module.Weight, 1) }

// NeededFor is the first badge that needs the check.
func (c *Check) NeededFor() Badge {
	if c.Module.Scale == PassFail {
		return c.Module.RequiredFrom
	}
	return Badge(c.Level)
}

// Lifecycle is the stage of a check.
type Lifecycle string

// The stages of a check. An experimental one is judged and shown, and does not count. A
// deprecated one counts until it is dropped.
const (
	Experimental Lifecycle = "experimental"
	Stable       Lifecycle = "stable"
	Deprecated   Lifecycle = "deprecated"
)

// Attestable reports whether a proof reads the attestation of the check.
func (c *Check) Attestable() bool { return c.attestable }

// GoodFor is how long an attestation of the check is good.
func (c *Check) GoodFor() time.Duration { return cmp.Or(c.goodFor, MaxAttestationAge(c.Level)) }

// Proof is one way to judge a check.
type Proof struct {
	By ProofKind
	// Suffices marks evidence that is enough but not necessary: if it is false, the
	// next proof is evaluated.
	Suffices bool
	Pass     *Expression
}

// Target is the badge that services of a selector should reach.
type Target struct {
	// Tiers the target is for; empty means all.
	Tiers []int
	Badge Badge
	// Due is when; zero means no date.
	Due time.Time
}

// Target returns the first target for a tier.
func (f *Framework) Target(tier int) (Target, bool) {
	for _, t := range f.Targets {
		if len(t.Tiers) == 0 {
			return t, true
		}
		if slices.Contains(t.Tiers, tier) {
			return t, true
		}
	}
	return Target{}, false
}

// Requirement is what a badge asks beyond levels. Negative numbers ask nothing.
type Requirement struct {
	// MaxExempt is how many exempt checks may be behind the badge, counting
	// from level ExemptFromLevel to the badge's own.
	MaxExempt, ExemptFromLevel int
	// MaxAttestedPerModule bounds checks decided by attestation alone at the
	// badge's own level in one module.
	MaxAttestedPerModule int
	// MaxAttested bounds checks decided by attestation alone at the badge's
	// own level over all modules.
	MaxAttested int
}

// Change is one entry of the changelog.
type Change struct {
	Version string
	Date    time.Time
	Notes   []string
}
