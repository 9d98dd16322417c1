package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// PreviewAhead is a service whose badge will differ if its evidence stays as it is: it
// loses one after the dwell of the checks, or gains one after that of the award.
type PreviewAhead struct {
	Service string `json:"service"`
	Team    string `json:"team,omitempty"`
	Org     string `json:"org,omitempty"`
	Tier    int    `json:"tier"`
	Loses   bool   `json:"loses"`
	// Held is the badge now, and Becomes what the evidence allows or proves by the other
	// criteria.
	Held    string `json:"held"`
	Becomes string `json:"becomes"`
	// Checks are those that decide: that fail by the other criteria alone, or that pass by
	// them alone.
	Checks []PreviewCheck `json:"checks"`
}

// NewPreviewAhead compares what the same evidence allows and proves by the present criteria
// and by others. What only missing evidence leaves open is no difference. Services that the
// other snapshot does not have are left out.
func NewPreviewAhead(present, other *snapshot.Snapshot) []PreviewAhead {
	byName := map[string]*snapshot.Service{}
	for i := range other.Services {
		byName[other.Services[i].Entry.Name] = &other.Services[i]
	}
	var out []PreviewAhead
	for i := range present.Services {
		now := &present.Services[i]
		then := byName[now.Entry.Name]
		if then == nil || now.Card == nil || then.Card == nil {
			continue
		}
		held := now.Badge.Badge
		a := PreviewAhead{Service: now.Entry.Name, Team: now.Entry.Team, Org: now.Entry.Org, Tier: now.Entry.Tier,
			Held: held.String()}
		switch before, after := now.Card.Badge, then.Card.Badge; {
		case after.Upper < held && before.Upper >= held:
			a.Loses, a.Becomes = true, after.Upper.String()
			a.Checks = differing(then.Card, now.Card, held)
		case after.Lower > held && before.Lower <= held:
			a.Becomes = after.Lower.String()
			a.Checks = differing(now.Card, then.Card, after.Lower)
		default:
			continue
		}
		out = append(out, a)
	}
	return out
}

// differing are the checks that a badge needs and that do not pass on the one card, but
// pass or are not asked on the other.
func differing(card, other *scoring.Scorecard, badge framework.Badge) []PreviewCheck {
	var out []PreviewCheck
	for i := range card.Checks {
		r := &card.Checks[i]
		if r.Status != scoring.Fail && r.Status != scoring.Unknown || r.Check.NeededFor() > badge {
			continue
		}
		at := slices.IndexFunc(other.Checks, func(o scoring.CheckResult) bool { return o.Check.ID == r.Check.ID })
		if at >= 0 && other.Checks[at].Status == r.Status && other.Checks[at].Check.NeededFor() <= badge {
			continue
		}
		out = append(out, PreviewCheck{Check: r.Check.ID, Title: r.Check.Title, Status: r.Status.String()})
	}
	return out
}

// aheadWords say how many badges will differ; empty if that is not asked.
func (p *Preview) aheadWords() string {
	lose, gain := 0, 0
	for _, a := range p.Ahead {
		if a.Loses {
			lose++
		} else {
			gain++
		}
	}
	switch {
	case !p.AheadKnown:
		return ""
	case lose+gain == 0:
		return "If the evidence stays as it is, no badge will differ."
	}
	return fmt.Sprintf("If the evidence stays as it is, %d will lose a badge and %d will gain one.", lose, gain)
}

func (a *PreviewAhead) step() string { return badgeWords(a.Held) + " → " + badgeWords(a.Becomes) }

// because names the checks that decide.
func (a *PreviewAhead) because() string {
	if len(a.Checks) == 0 {
		return "what the badge asks beyond checks"
	}
	var parts []string
	for _, c := range a.Checks {
		if a.Loses {
			parts = append(parts, c.Check+" "+c.Status)
		} else {
			parts = append(parts, c.Check)
		}
	}
	if more := len(parts) - maxNamed; more > 0 {
		parts = append(parts[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}
