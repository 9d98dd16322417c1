package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Preview is what other criteria would have done to the badges of services: the answer of
// `collector framework preview`.
type Preview struct {
	// From and To are the time of which the stored evidence was judged again.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Present are the criteria in force: one, or those of all pins. Other are those that are
	// previewed.
	Present []Framework `json:"present"`
	Other   Framework   `json:"other"`
	// Services is how many were judged, by both.
	Services int `json:"services"`
	// Lose and Gain count the services that have a lower or higher badge at some time.
	Lose int `json:"lose"`
	Gain int `json:"gain"`
	// LoseUnproved counts those of Lose of which evidence is unknown only, LoseUnseen those
	// of them that wait for a fact that did not exist then.
	LoseUnproved int `json:"lose_unproved"`
	LoseUnseen   int `json:"lose_unseen"`
	// OnHold is how many more services end on hold; below zero, how many fewer.
	OnHold int `json:"on_hold"`
	// Known is false if there is no history to judge.
	Known bool `json:"known"`
	// Changes are the services whose badge differs: those that lose come first.
	Changes []PreviewChange `json:"changes"`
	// AheadKnown is true if To is now: Ahead is made of the evidence of now, and else empty.
	AheadKnown bool `json:"ahead_known"`
	// Ahead are the services whose badge will differ if the evidence stays as it is at the
	// end: those that lose come first.
	Ahead []PreviewAhead `json:"ahead"`
	// Told are the teams that would be told of a change of a badge that they are not told
	// of now.
	Told []PreviewTold `json:"told"`
	// Notes say what the answer rests on.
	Notes []string `json:"notes"`
}

// Why a badge differs. The set is closed.
const (
	WhyEvidence    = "evidence"     // the evidence contradicts a check
	WhyUnknown     = "unknown"      // evidence is missing or stale
	WhyNoFact      = "no_fact"      // a fact that a check reads did not exist then
	WhyRequirement = "requirements" // the badge asks something beyond checks
)

// PreviewChange is a time in which a service has another badge.
type PreviewChange struct {
	Service string `json:"service"`
	Team    string `json:"team,omitempty"`
	Org     string `json:"org,omitempty"`
	Tier    int    `json:"tier"`
	// Loses is false for a service that gains.
	Loses bool `json:"loses"`
	// Present and Other are the badges when it begins.
	Present string    `json:"present"`
	Other   string    `json:"other"`
	At      time.Time `json:"at"`
	// Until is absent if it lasts.
	Until time.Time `json:"until,omitzero"`
	Why   string    `json:"why"`
	// Checks are those that decide.
	Checks []PreviewCheck `json:"checks"`
}

// PreviewCheck is a check that decides, with its status then.
type PreviewCheck struct {
	Check  string `json:"check"`
	Title  string `json:"title,omitempty"`
	Status string `json:"status"`
	// Missing are the facts without fresh evidence, NeverSeen those without any record of
	// any service by then.
	Missing   []string `json:"missing,omitempty"`
	NeverSeen []string `json:"never_seen,omitempty"`
}

// PreviewTold is what a team would be told.
type PreviewTold struct {
	// Team is empty for services without one.
	Team    string         `json:"team"`
	Notices []PreviewEvent `json:"notices"`
}

// PreviewEvent is a change of a badge that is announced.
type PreviewEvent struct {
	Service string    `json:"service"`
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Cause   string    `json:"cause"`
	// Alert is the alert that fires, absent if none does: then the change is on the
	// dashboards and in the operational review.
	Alert string `json:"alert,omitempty"`
}

// The alerts of the rules about a change of a badge, by what has made it.
const (
	// AlertBadgeRegressed fires when evidence took a badge away.
	AlertBadgeRegressed = "ReadinessBadgeRegressed"
	// AlertBadgeLapsed fires when a badge was on hold for too long.
	AlertBadgeLapsed = "ReadinessBadgeLapsed"
	// AlertBadgeWithdrawn fires when criteria, an exemption or the catalog took one away.
	AlertBadgeWithdrawn = "ReadinessBadgeWithdrawn"
	// AlertBadgeReached fires when evidence earned a badge.
	AlertBadgeReached = "ReadinessBadgeReached"
)

// Settle counts the changes and puts them and the teams into order.
func (p *Preview) Settle() {
	type kind struct{ loses, unproved, unseen bool }
	services := map[string]kind{}
	gain := map[string]bool{}
	for _, c := range p.Changes {
		if !c.Loses {
			gain[c.Service] = true
			continue
		}
		k, known := services[c.Service]
		unproved := c.Why == WhyUnknown || c.Why == WhyNoFact
		services[c.Service] = kind{true, unproved && (!known || k.unproved), c.Why == WhyNoFact && (!known || k.unseen)}
	}
	p.Lose, p.Gain, p.LoseUnproved, p.LoseUnseen = len(services), len(gain), 0, 0
	for _, k := range services {
		if k.unproved {
			p.LoseUnproved++
		}
		if k.unseen {
			p.LoseUnseen++
		}
	}
	slices.SortFunc(p.Changes, func(a, b PreviewChange) int {
		if a.Loses != b.Loses {
			return map[bool]int{true: -1, false: 1}[a.Loses]
		}
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Service, b.Service), a.At.Compare(b.At))
	})
	slices.SortFunc(p.Ahead, func(a, b PreviewAhead) int {
		if a.Loses != b.Loses {
			return map[bool]int{true: -1, false: 1}[a.Loses]
		}
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Service, b.Service))
	})
	slices.SortFunc(p.Told, func(a, b PreviewTold) int { return cmp.Compare(a.Team, b.Team) })
}

// Verdict says whether the services that lose a badge are few enough.
type Verdict int

// The verdicts. It cannot be told if the answer depends on evidence that is unknown.
const (
	Within Verdict = iota
	Beyond
	CannotTell
)

// Verdict compares with the most services that may lose a badge.
func (p *Preview) Verdict(most int) Verdict {
	proved, all := p.Losing()
	switch {
	case proved > most:
		return Beyond
	case !p.Known || all > most:
		return CannotTell
	}
	return Within
}

// Losing counts the services that lose a badge, now and again or ahead: those of which the
// evidence proves it, and all.
func (p *Preview) Losing() (byEvidence, inAll int) {
	proved, all := map[string]bool{}, map[string]bool{}
	for _, c := range p.Changes {
		if c.Loses {
			all[c.Service] = true
			proved[c.Service] = proved[c.Service] || c.Why != WhyUnknown && c.Why != WhyNoFact
		}
	}
	for _, a := range p.Ahead {
		if a.Loses {
			all[a.Service], proved[a.Service] = true, true
		}
	}
	maps.DeleteFunc(proved, func(_ string, isProved bool) bool { return !isProved })
	return len(proved), len(all)
}

// Headline is the answer in a sentence or two.
func (p *Preview) Headline() string { return strings.TrimSpace(p.pastWords() + " " + p.aheadWords()) }

func (p *Preview) pastWords() string {
	switch {
	case !p.Known:
		return "The past cannot be judged: the store has no history of that time."
	case len(p.Changes) == 0:
		return "No badge of " + Plural(p.Services, "service") + " differs in that time."
	}
	text := fmt.Sprintf("Of %s, %s a badge and %s one", Plural(p.Services, "service"),
		oneOrMany(p.Lose, "loses", "lose"), oneOrMany(p.Gain, "gains", "gain"))
	if p.LoseUnproved > 0 {
		text += fmt.Sprintf("; %d of those that lose one only because evidence is unknown", p.LoseUnproved)
		if p.LoseUnseen > 0 {
			text += fmt.Sprintf(", %d because a fact did not exist then", p.LoseUnseen)
		}
	}
	return text + "."
}

// WriteJSON writes the preview for machines.
func (p *Preview) WriteJSON(w io.Writer) error {
	out := *p
	if out.Changes == nil {
		out.Changes = []PreviewChange{}
	}
	if out.Ahead == nil {
		out.Ahead = []PreviewAhead{}
	}
	if out.Told == nil {
		out.Told = []PreviewTold{}
	}
	if out.Notes == nil {
		out.Notes = []string{}
	}
	return writeJSON(w, out, "preview")
}
