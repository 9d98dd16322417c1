package scoring

import (
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// Status is the verdict on one check for one service.
type Status uint8

// The statuses. The zero value is not a status.
const (
	_ Status = iota
	Pass
	Fail
	Unknown
	Exempt
	NotApplicable
	Scheduled
)

var statusNames = [...]string{"", "pass", "fail", "unknown", "exempt", "not_applicable", "scheduled"}

// String is the status as in metric labels and JSON.
func (s Status) String() string { return statusNames[s] }

// Statuses lists the closed set.
func Statuses() []Status { return []Status{Pass, Fail, Unknown, Exempt, NotApplicable, Scheduled} }

// Counted reports whether a check with this status is part of score and
// coverage: passing, failing or unknown.
func (s Status) Counted() bool { return s == Pass || s == Fail || s == Unknown }

// Subject is a service as it is judged.
type Subject struct {
	// Name is the catalog name.
	Name string
	framework.Attributes
}

// Inputs is everything a judgement depends on.
type Inputs struct {
	Framework  *framework.Framework
	Subjects   []Subject
	Exemptions []Exemption
	Evidence   *evidence.Set
	// NotMeasurable are the ids of checks that no configured source can decide.
	// They are scheduled, whatever the framework says.
	NotMeasurable map[string]bool
	// Invalidated are the attestations that a machine has contradicted.
	Invalidated InvalidatedAttestations
}

// InvalidatedAttestations are the times at which a machine contradicted the
// attestations of a check, by service name and check id. They do not count for
// the service until they are made again, later than that.
type InvalidatedAttestations map[string]map[string]time.Time

// Bounds are the two readings of missing evidence: Lower takes unknown as
// fail, Upper as pass.
type Bounds[T any] struct{ Lower, Upper T }

// CheckResult is the verdict on one check.
type CheckResult struct {
	Check  *framework.Check
	Status Status
	// Verdict is what the status would be if the check counted: pass, fail or
	// unknown, for scheduled checks too. Zero when not applicable.
	Verdict Status
	// Fresh is the verdict from fresh records alone.
	Fresh Status
	// By is the kind of proof that decided; empty when none did.
	By framework.ProofKind
	// Open is true when a proof stronger than the one that decided was unknown,
	// so that missing evidence could still decide otherwise.
	Open bool
	// Missing are the indexes of the facts whose absence or age left the
	// verdict, or its freshness, open.
	Missing []int
	// SourceDown is true when the source of one of the Missing facts has not
	// answered lately: then it is not the service that lacks the proof.
	SourceDown bool
	// Contradicts is true when a machine says no where an attestation says
	// yes. The attestation is invalidated until it is made again.
	Contradicts bool
	// Err is a run-time error of an expression, which makes it unknown.
	Err error
	// Exemption is what exempts the check.
	Exemption *Exemption
}

// ModuleResult is the verdict on one module.
type ModuleResult struct {
	Module *framework.Module
	// Applies is false when no check of the module counts or is exempt.
	Applies bool
	// Level is 0 to 5; for a pass/fail module 1 means passed.
	Level Bounds[int]
	// Score is the weighted share of passing checks, 0 to 1; only meaningful
	// when Counted is not 0.
	Score Bounds[float64]
	// Counted is the number of passing, failing and unknown checks.
	Counted int
	// Count is the number of checks by status.
	Count [len(statusNames)]int
	// Gap is the number of checks missing to the level of the next badge.
	Gap int
}

// Scorecard is the verdict on one service at one moment.
type Scorecard struct {
	Service string
	At      time.Time
	// Checks in framework order.
	Checks []CheckResult
	// Modules in framework order.
	Modules []ModuleResult
	// HasScore is false when nothing counts.
	HasScore bool
	// Score is the weighted share of passing checks, 0 to 1.
	Score Bounds[float64]
	// Coverage is the share of counted checks with a definite verdict from
	// fresh records alone, 0 to 1.
	Coverage float64
	// Badge is the badge that all valid evidence supports.
	Badge Bounds[framework.Badge]
	// FreshBadge is the badge that fresh evidence alone supports: what may
	// award (Lower) and withdraw (Upper).
	FreshBadge Bounds[framework.Badge]
	// Ceiling is the highest badge that can be reached at all.
	Ceiling framework.Badge
	// Basis is what the card was judged from.
	Basis *Basis
}
