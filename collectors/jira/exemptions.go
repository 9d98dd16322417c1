package jira

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

const (
	// kindOfExemptions names issues that ask for an exemption in logs and counts.
	kindOfExemptions = "exemption"
	// exemptionPrefix begins the labels that name checks.
	exemptionPrefix = "exempt-"
	// exemptionShown is how long a ticket that was declined or is over is still counted
	// among those that could not be used.
	exemptionShown = 30 * day
	// cursorLostExemptions keeps what a listing lacked and was not confirmed.
	cursorLostExemptions = "exemptions"
)

// Exemptible is a check that tickets may ask an exemption from, with the label that
// names it: exempt-cicd-no-drift.
type Exemptible struct{ Check, Label string }

// exemptionTickets lists the tickets that ask for exemptions, all of them in every round:
// one that is opened again must not count any more.
func (r *round) exemptionTickets() listing {
	return listing{kind: kindOfExemptions, read: r.readExemptions, searches: func() []search {
		// What has not changed for longer was approved too long ago.
		window := reviewHistory
		if r.maxExemption > 0 {
			window = r.maxExemption + exemptionShown
		}
		s := search{
			jql: "(" + r.exemptions.JQL + ") AND updated >= " + ago(window) + " ORDER BY created ASC",
			fields: []string{
				"project", "components", "labels", "status", "resolution", "created", "updated", "resolutiondate", "duedate",
				"summary", "reporter",
			},
			changelog: true,
		}
		if r.exemptions.Services.By == config.ByField {
			s.fields = append(s.fields, r.exemptions.Services.Field)
		}
		return []search{s}
	}}
}

// readExemptions emits the exemptions that were approved, in the place of the stored ones.
// Those of a ticket that could not be read, or is in a project that the account may not
// see any more, stay.
func (r *round) readExemptions(ctx context.Context, searches []search) error {
	if r.statuses == nil {
		return nil // that they could not be listed is reported already
	}
	next, marks, approved := newExemptionTickets(), newMarks(), []evidence.TicketExemption{}
	marks.complete = true
	err := r.list(ctx, searches[0], kindOfExemptions, logOfDone, func(good, bad []*issue) error {
		for _, i := range good {
			list, mark := r.exemption(i)
			next.listed[clean(i.id)] = true
			approved = append(approved, list...)
			marks.set(i.id, mark)
		}
		for _, i := range bad {
			next.bad[i.idOrKey()], next.bad[clean(i.key)] = true, true
		}
		return nil
	})
	if err != nil {
		return err
	}
	kept, cursors, err := r.keptExemptions(ctx, next)
	if err != nil {
		return err
	}
	r.marks[marksOfExemptions] = marks
	approved = append(approved, kept...)
	slices.SortFunc(approved, evidence.TicketExemption.Compare)
	return r.out.Send(evidence.Batch{Exemptions: approved, Cursors: cursors})
}

// exemptionTickets is what a listing has: the ids of the tickets, and the ids and keys of
// those that could not be read, or the empty text where neither is known.
type exemptionTickets struct{ listed, bad keyNames }

type keyNames map[string]bool

func newExemptionTickets() exemptionTickets { return exemptionTickets{keyNames{}, keyNames{}} }

// keptExemptions are the stored ones that the listing does not end, with the cursors to
// store.
func (r *round) keptExemptions(
	ctx context.Context, next exemptionTickets,
) (kept []evidence.TicketExemption, cursors map[string]string, err error) {
	if r.request.Exemptions == nil {
		return nil, nil, nil
	}
	stored, err := r.request.Exemptions(ctx)
	if err != nil {
		return nil, nil, storeFailure("read exemptions of "+r.id, err)
	}
	var missing []evidence.TicketExemption
	all := 0
	for _, e := range stored {
		if e.Source != r.id {
			continue
		}
		all++
		switch {
		case next.listed[e.ID]:
		case next.bad[e.ID], next.bad[e.Key], next.bad[""]:
			kept = append(kept, e)
		default:
			missing = append(missing, e)
		}
	}
	confirmed, cursors := r.confirm(cursorLostExemptions, "exemptions", len(missing), all)
	if !confirmed {
		return append(kept, missing...), cursors, nil
	}
	if err := r.findHidden(ctx, unique(mapSlice(missing, func(e evidence.TicketExemption) string {
		return projectOf(e.Key)
	}))); err != nil {
		return nil, nil, err
	}
	for _, e := range missing {
		if r.isHidden(e.Key) {
			kept = append(kept, e)
		}
	}
	return kept, cursors, nil
}

// exemption is what a ticket exempts, if it was approved, also when that has ended, and
// what of it could not be used.
func (r *round) exemption(i *issue) ([]evidence.TicketExemption, mark) {
	link := r.exemptions.Services
	services := r.mapping.services(link, i)
	checks, unknown := r.exemptChecks(i)
	name := kindOfExemptions + " " + clean(i.key)
	switch {
	case len(checks) == 0:
		return nil, mark{evidence.UncountedUnknownCheck, cmp.Or(unknown, name)}
	case len(services) == 0:
		return nil, r.mapping.unmatched(link, i)
	}
	approval, _ := r.finished(i)
	end := endOf(i)
	switch reason := r.notExempt(i, approval, end); {
	case reason == evidence.UncountedDeclined && i.updated.Before(r.now.Add(-exemptionShown)):
		return nil, mark{} // nobody needs to know any more
	case reason != "":
		return nil, mark{reason, name}
	}
	var list []evidence.TicketExemption
	for _, service := range services {
		for _, check := range checks {
			list = append(list, evidence.TicketExemption{
				Source: r.id, ID: clean(i.id), Key: clean(i.key), Service: service, Check: check,
				Reason: evidence.Clean(cmp.Or(strings.TrimSpace(i.summary), i.key), 200), Approved: approval.at, Expires: end,
			})
		}
	}
	switch over := !r.now.Before(end); {
	case over && r.now.Before(end.Add(exemptionShown)):
		return list, mark{evidence.UncountedOver, name}
	case over:
		return list, mark{}
	case unknown != "":
		return list, mark{evidence.UncountedUnknownCheck, unknown}
	}
	return list, r.mapping.partlyUnknown(link, i)
}

// exemptChecks are the checks that the labels of a ticket name, and what names the first
// label for a check that the framework does not have.
func (r *round) exemptChecks(i *issue) (checks []string, unknown string) {
	for _, label := range i.labels {
		at := slices.IndexFunc(r.exemptible, func(e Exemptible) bool { return strings.EqualFold(e.Label, label) })
		switch {
		case at >= 0:
			checks = append(checks, r.exemptible[at].Check)
		case strings.HasPrefix(fold(label), exemptionPrefix) && unknown == "":
			unknown = "label " + clean(label) + " of " + clean(i.key)
		}
	}
	return unique(checks), unknown
}

// endOf is the midnight, in UTC, after the due date; zero without one.
func endOf(i *issue) time.Time {
	due, err := i.time("duedate")
	if err != nil || due.IsZero() {
		return time.Time{}
	}
	return due.Truncate(day).Add(day)
}

// notExempt is why a ticket is no approved exemption, ended or not; empty when it is one.
func (r *round) notExempt(i *issue, approval change, end time.Time) evidence.UncountedReason {
	switch {
	case r.notDone.of(i) != "":
		return evidence.UncountedDeclined
	case i.category != categoryDone:
		return evidence.UncountedUndecided
	case end.IsZero():
		return evidence.UncountedNoLastDay
	case approval.at.IsZero():
		return cmp.Or(approval.fault, evidence.UncountedEndUnknown)
	case approval.by == "" || approval.byApp || i.reporter == "" || approval.by == i.reporter ||
		r.changedSince(i, approval.at):
		return evidence.UncountedNotApproved
	case r.maxExemption > 0 && end.Sub(approval.at) > r.maxExemption+day:
		return evidence.UncountedTooLong
	}
	return ""
}

// changedSince reports whether what was approved was changed afterwards: the due date, a
// component, or a label that says what is exempt.
func (r *round) changedSince(i *issue, approved time.Time) bool {
	return slices.ContainsFunc(i.changes, func(c change) bool {
		if !c.at.After(approved) {
			return false
		}
		switch c.field {
		case fieldDue, fieldComponents:
			return true
		case "labels":
			return !slices.Equal(r.exemptionLabels(i, c.from), r.exemptionLabels(i, c.to))
		}
		return false
	})
}

// exemptionLabels are those of a list that say what is exempt: checks and services.
func (r *round) exemptionLabels(i *issue, list string) []string {
	link := r.exemptions.Services
	var found []string
	for label := range strings.FieldsSeq(fold(list)) {
		names := link.By == config.ByLabel && strings.HasPrefix(label, fold(link.Prefix))
		narrows := slices.ContainsFunc(r.mapping.targets[fold(i.project)], func(t target) bool {
			return t.label != "" && fold(t.label) == label
		})
		if names || narrows || strings.HasPrefix(label, exemptionPrefix) {
			found = append(found, label)
		}
	}
	return unique(found)
}
