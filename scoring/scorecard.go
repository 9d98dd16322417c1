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
	// Owner decides which exemptions cover the service. Criteria do not read it, so that
	// it is no part of what is stored and compared.
	Owner `json:"-"`
}

// Owner is who has a service; empty where the catalog does not say it.
type Owner struct{ Team, Org string }

// judgedLike reports whether both are judged alike by the same criteria, exemptions and
// evidence.
func (s *Subject) judgedLike(o *Subject) bool {
	return s.Name == o.Name && s.Attributes == o.Attributes
}

// Inputs is everything a judgement depends on.
type Inputs struct {
	Framework *framework.Framework
	// Pins keep services on other criteria than Framework.
	Pins       []Pin
	Subjects   []Subject
	Exemptions []Exemption
	// Evidence is what is known about a service, by its name; nil without a row.
	Evidence func(service string) evidence.Row
	// NotMeasurable are the ids of checks of Framework that no configured source can
	// decide. They are scheduled, whatever the framework says.
	NotMeasurable map[string]bool
	// Invalidated are the checks to which a machine has said no.
	Invalidated Invalidations
}

// Invalidations are the times at which a machine last said no to a check, by
// service name and check id. The weaker proofs of the check (ticket, catalog,
// attestation) do not count for the service until they are made or changed later
// than that: an exporter that falls silent does not turn a no into a pass.
type Invalidations map[string]map[string]time.Time

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
	// By and FreshBy are the kinds of proof that decided Verdict and Fresh; empty
	// when none did.
	By, FreshBy framework.ProofKind
	// Open is true when a proof stronger than the one that decided was unknown,
	// so that missing evidence could still decide otherwise.
	Open bool
	// Missing are the indexes of the facts whose absence or age left the
	// verdict, or its freshness, open.
	Missing []int
	// SourceDown is true when the source of one of the Missing facts has not
	// answered lately: then it is not the service that lacks the proof.
	SourceDown bool
	// MachineNo is true when fresh evidence of a machine says no to a check that has
	// weaker proofs, too. These are invalidated until they are made again.
	MachineNo bool
	// RefusedAt is when a machine last said no, if a weaker proof that says yes does
	// not count because it is older; else zero.
	RefusedAt time.Time
	// Contradicts is true when a machine says no where an attestation says yes.
	Contradicts bool
	// Err is a run-time error of an expression, which makes it unknown.
	Err error
	// Exemption is what exempts the check.
	Exemption *Exemption
}

// InTheWayOf reports whether a badge needs the check, and it does not pass.
func (r *CheckResult) InTheWayOf(badge framework.Badge) bool {
	return (r.Status == Fail || r.Status == Unknown) && r.Check.NeededFor() <= badge
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
	// Until is the first time at which the card may be another one although nothing new is
	// known of the service; a time that is not after At is the next judgement.
	Until time.Time
}

// Framework are the criteria that the card was judged by; nil if it has no basis.
func (c *Scorecard) Framework() *framework.Framework {
	if c.Basis == nil {
		return nil
	}
	return c.Basis.Framework
}

// Of is the result of a check, which may be one of other criteria with the same id; nil if
// the criteria of the card do not have it.
func (c *Scorecard) Of(check *framework.Check) *CheckResult {
	if i := check.Index; i < len(c.Checks) && c.Checks[i].Check.ID == check.ID {
		return &c.Checks[i]
	}
	for i := range c.Checks {
		if c.Checks[i].Check.ID == check.ID {
			return &c.Checks[i]
		}
	}
	return nil
}

// Drifted are the ids of the checks of which a machine says no where an attestation, as of
// a readiness review, says yes.
func (c *Scorecard) Drifted() []string {
	var ids []string
	for i := range c.Checks {
		if r := &c.Checks[i]; r.Contradicts {
			ids = append(ids, r.Check.ID)
		}
	}
	return ids
}
