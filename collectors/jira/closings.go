package jira

import (
	"errors"
	"regexp"
	"strings"
)

// closings are resolutions and statuses, by name or id, that say something about
// what an issue was closed as.
type closings map[string]bool

var sameApostrophe = strings.NewReplacer("’", "'", "‘", "'", "`", "'", "´", "'")

// newClosings reads the names of the configuration.
func newClosings(names []string) closings {
	c := closings{}
	for _, name := range names {
		c[closingName(name)] = true
	}
	return c
}

// closingName makes names comparable: sites write Won't Do with any letter case and
// any apostrophe.
func closingName(name string) string {
	return sameApostrophe.Replace(strings.Join(strings.Fields(strings.ToLower(name)), " "))
}

// has reports whether the list has a resolution or status.
func (c closings) has(v named) bool {
	return v.Name != "" && c[closingName(v.Name)] || v.ID != "" && c[v.ID]
}

// of is the resolution or status of the list that the issue was closed with; empty
// when it was not, or is not closed.
func (c closings) of(i *issue) string {
	if i.category != categoryDone {
		return ""
	}
	for _, v := range [...]named{i.resolution, {ID: i.status, Name: i.statusName}} {
		if c.has(v) {
			return clean(strings.TrimSpace(v.Name))
		}
	}
	return ""
}

// checkFields reports which field the answer lacks although it was asked for, if
// what the issue shows cannot be said without it. Jira answers these of every issue,
// with null where there is no value. The resolution of done work decides whether it
// proves anything; an incident happened whatever its ticket was closed as. Attestations
// and feedback were found by their labels, so that an answer without labels is no answer.
func (i *issue) checkFields(asked []string, kind string) error {
	provesWork := i.category == categoryDone && kind != kindOfIncidents
	hasLabel := kind == kindOfAttestations || kind == kindOfFeedback || kind == kindOfExemptions
	for _, name := range asked {
		if _, ok := i.fields[name]; ok {
			continue
		}
		switch {
		case name == "status", name == "created", name == "updated", name == "resolution" && provesWork,
			name == "labels" && hasLabel:
			return errors.New("field " + name + ": the answer lacks it")
		}
	}
	return nil
}

// countsOnlyOpen matches queries that leave out done issues, by the name or id of the
// category, and namesResolution those that choose among resolutions themselves. That an
// issue has a resolution, or none, is no choice among them.
var (
	countsOnlyOpen = regexp.MustCompile(
		`(?i)\bstatuscategory\s*(!=|is\s+not\b|not\s+in\s*\([^)]*)\s*["']?\b(done|complete|3)\b`)
	namesResolution = regexp.MustCompile(`(?i)\bresolution\b`)
	hasResolution   = regexp.MustCompile(
		`(?i)\bresolution\s*(is(\s+not)?|!?=)\s*["']?(empty|null|unresolved|none)\b["']?`)
)

// countsDoneWork reports whether the fact counts issues that may be done ones, so that
// those that were closed as not done have to be left out. A query that names
// resolutions decides that for itself.
func (f Fact) countsDoneWork() bool {
	choice := hasResolution.ReplaceAllString(f.JQL, "")
	return f.Mode == ModeCount && !countsOnlyOpen.MatchString(f.JQL) && !namesResolution.MatchString(choice)
}
