package jira

import (
	"context"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
)

// maxListed bounds how many names of the site a note lists.
const maxListed = 20

// configuredNames are names of the configuration of which a site has to have one at least.
type configuredNames struct {
	key   string
	names []string
	// without says what follows if it has none of them.
	without string
	has     func(named) bool
}

// noteOf lists names that the site has, and warns of every configuration that has none
// of them, nor of others: the defaults are English, and sites have other languages and
// names of their own. An empty list of the configuration names none on purpose.
func noteOf(what string, listed, others []named, configured ...configuredNames) collectors.Verified {
	v := collectors.Verified{What: what}
	var names []string
	for _, n := range listed {
		names = append(names, cleanName(n.Name))
	}
	names = unique(names)
	v.Note = "the site has " + strings.Join(names[:min(len(names), maxListed)], ", ")
	if len(names) == 0 {
		v.Note = "the site has none"
	}
	for _, c := range configured {
		if len(c.names) == 0 || slices.ContainsFunc(slices.Concat(listed, others), c.has) {
			continue
		}
		v.Warning = true
		v.Note += "; none of them is in " + c.key + ": " + c.without
		nearest := collectors.Nearest(names)
		for _, name := range c.names {
			if meant := nearest(name); meant != "" {
				v.Note += meant
				break
			}
		}
	}
	return v
}

// verifyResolutions lists the resolutions of the site. A status may say as well what an
// issue was closed as.
func (v *verification) verifyResolutions(ctx context.Context, _ []*catalog.Service) []collectors.Verified {
	const what = "resolutions"
	isList := func(list *[]named) bool { return list != nil }
	list, err := get(ctx, v.api, request{path: pathResolutions}, "list of resolutions", isList)
	if err != nil {
		return []collectors.Verified{{What: what, Err: err}}
	}
	configured := []configuredNames{{"not_done", v.configuredNotDone,
		"work that was closed as not done counts as done; add those that mean it", v.notDone.has}}
	if v.incidents.JQL != "" {
		configured = append(configured, configuredNames{"incidents.not_incidents", v.incidents.NotIncidents,
			"a ticket that was closed as a duplicate counts as an incident; add those that mean it", v.notIncidents.has})
		// Few sites have those of the default.
		names := v.incidents.FalseAlarms.Resolutions
		if !slices.Equal(names, config.DefaultJiraFalseAlarms().Resolutions) {
			configured = append(configured, configuredNames{"incidents.false_alarms.resolutions", names,
				"no ticket counts as a false alarm by its resolution; add those that mean it", v.falseAlarms.has})
		}
	}
	return []collectors.Verified{noteOf(what, *list, v.statuses, configured...)}
}

// verifyLinkTypes lists the types of links between issues, if duplicates are found by
// them. A site may have switched links off.
func (v *verification) verifyLinkTypes(ctx context.Context, _ []*catalog.Service) []collectors.Verified {
	const what = "types of links"
	if v.incidents.JQL == "" || len(v.incidents.DuplicateLinks) == 0 {
		return nil
	}
	type answer struct {
		Types *[]linkType `json:"issueLinkTypes"`
	}
	isList := func(a answer) bool { return a.Types != nil }
	found, err := get(ctx, v.api, request{path: pathLinkTypes}, "list of types of links", isList)
	if err != nil {
		return []collectors.Verified{{What: what, Err: err}}
	}
	var list []named
	isOne := map[named]bool{}
	for _, t := range *found.Types {
		n := named{t.ID, t.Name}
		original, _ := v.duplicateLinks.ends(issueLink{Type: t, Inward: related{ID: "1"}, Outward: related{ID: "1"}})
		list, isOne[n] = append(list, n), original.ID != ""
	}
	return []collectors.Verified{noteOf(what, list, nil, configuredNames{"incidents.duplicate_links",
		v.incidents.DuplicateLinks, "the services of duplicates are not added to the original; name the type",
		func(n named) bool { return isOne[n] }})}
}
