package jira

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

var _ collectors.Verifier = (*Source)(nil)

// Verify looks up projects in the list of all projects, components in one list for
// each project of which a component is named, statuses and fields in the lists of
// the site, lists its resolutions and types of links, and sends every configured search once, for one issue. See
// collectors.Verifier.
func (s *Source) Verify(ctx context.Context, services []*catalog.Service) []collectors.Verified {
	v := &verification{Source: s, projects: map[string]string{}}
	for _, step := range []func(context.Context, []*catalog.Service) []collectors.Verified{
		v.verifyProjects, v.verifyComponents, v.verifyStatuses, v.verifyFields, v.verifyResolutions,
		v.verifyLinkTypes, v.verifySearches,
	} {
		found := step(ctx, services)
		v.answers = append(v.answers, found...)
		if slices.ContainsFunc(found, func(f collectors.Verified) bool { return collectors.EndsRound(ctx, f.Err) }) {
			break
		}
	}
	return v.answers
}

// verification is the state of one Verify.
type verification struct {
	*Source
	answers []collectors.Verified
	// projects are the keys of the site's projects, by their folded form; nothing when
	// they could not be listed.
	projects map[string]string
	// statuses are the site's.
	statuses []named
	// names are those of the site that searches may name.
	names []string
}

// verifyProjects looks every referenced project up. The list is read even when there
// is none, since searches name projects, too.
func (v *verification) verifyProjects(ctx context.Context, services []*catalog.Service) []collectors.Verified {
	const what = "projects"
	if v.deployment == Cloud {
		// Cloud answers a visitor without an account with no projects, instead of refusing.
		if err := v.api.whoAmI(ctx); err != nil {
			return []collectors.Verified{{What: what, Err: err}}
		}
	}
	listed, err := v.api.projects(ctx, "")
	if err != nil {
		return []collectors.Verified{{What: what, Err: err}}
	}
	byName, keys := map[string]string{}, []string{}
	for _, p := range listed {
		v.projects[fold(p.Key)] = p.Key
		byName[fold(p.Name)] = p.Key
		keys = append(keys, p.Key)
	}
	v.names = append(v.names, keys...)
	users := collectors.NameUsers{}
	for _, service := range services {
		for _, ref := range v.references(service) {
			users.Add(ref.Project, service.Name)
		}
	}
	if len(users) == 0 {
		return nil
	}
	return []collectors.Verified{users.LookUp(what, "the site has no such project, or the account cannot browse it",
		func(key string) bool { return v.projects[fold(key)] != "" },
		func(key string) string {
			if known := byName[fold(key)]; known != "" {
				return fmt.Sprintf(", did you mean %q, the key of the project with this name?", known)
			}
			return collectors.Nearest(keys)(strings.TrimSpace(key))
		})}
}

// verifyComponents looks the referenced components of known projects up.
func (v *verification) verifyComponents(ctx context.Context, services []*catalog.Service) []collectors.Verified {
	const what = "components"
	wanted := map[string]collectors.NameUsers{}
	for _, service := range services {
		for _, ref := range v.references(service) {
			project := v.projects[fold(ref.Project)]
			if project == "" || fold(ref.Component) == "" {
				continue
			}
			if wanted[project] == nil {
				wanted[project] = collectors.NameUsers{}
			}
			wanted[project].Add(ref.Component, service.Name)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	all := collectors.Verified{What: what}
	var failed []error
	for _, project := range slices.Sorted(maps.Keys(wanted)) {
		names, err := v.api.components(ctx, project)
		if err != nil {
			if failed = append(failed, err); collectors.EndsRound(ctx, err) {
				break
			}
			continue
		}
		one := wanted[project].LookUp(what, "project "+project+" has no such component",
			func(name string) bool {
				return slices.ContainsFunc(names, func(known string) bool { return fold(known) == fold(name) })
			}, collectors.Nearest(names))
		all.Found += one.Found
		all.Absent = append(all.Absent, one.Absent...)
	}
	all.Err = errors.Join(failed...)
	return []collectors.Verified{all}
}

// verifyStatuses looks the statuses up that moments are read from.
func (v *verification) verifyStatuses(ctx context.Context, _ []*catalog.Service) []collectors.Verified {
	const what = "statuses"
	listed, err := v.api.statuses(ctx)
	if err != nil {
		return []collectors.Verified{{What: what, Err: err}}
	}
	for name, ids := range listed.ids {
		for _, id := range ids {
			v.statuses = append(v.statuses, named{id, name})
		}
	}
	names := unique(slices.Clone(listed.names))
	v.names = append(v.names, names...)
	users := collectors.NameUsers{}
	if v.incidents.JQL != "" {
		for i, m := range moments(v.incidents) {
			for _, status := range m.Statuses {
				users.Add(status, "incidents."+[...]string{"started", "detected", "acknowledged", "resolved"}[i])
			}
		}
	}
	if len(users) == 0 {
		return nil
	}
	return []collectors.Verified{users.LookUp(what, "the site has no such status", func(status string) bool {
		_, isID := listed.categories[status]
		return isID || len(listed.ids[fold(status)]) > 0
	}, collectors.Nearest(names))}
}

// configuredFields are the fields that the options name, with their keys.
func (v *verification) configuredFields() collectors.NameUsers {
	users := collectors.NameUsers{}
	add := func(field, key string) {
		if field != "" {
			users.Add(field, key)
		}
	}
	if v.incidents.JQL != "" {
		for i, m := range moments(v.incidents) {
			add(m.Field, "incidents."+[...]string{"started", "detected", "acknowledged", "resolved"}[i])
		}
		if v.incidents.Severity.By == config.SeverityByField {
			add(v.incidents.Severity.Field, "incidents.severity")
		}
		for _, field := range v.incidents.LinkFields {
			add(field, "incidents.link_fields")
		}
		if v.incidents.Services.By == config.ByField {
			add(v.incidents.Services.Field, "incidents.services")
		}
	}
	if v.reviews.JQL != "" && v.reviews.Services.By == config.ByField {
		add(v.reviews.Services.Field, "reviews.services")
	}
	return users
}

// verifyFields looks the fields up that the options name.
func (v *verification) verifyFields(ctx context.Context, _ []*catalog.Service) []collectors.Verified {
	const what = "fields"
	users := v.configuredFields()
	if !slices.ContainsFunc(slices.Collect(maps.Keys(users)), func(id string) bool {
		return strings.HasPrefix(id, "customfield_")
	}) {
		return nil // the others are of every site
	}
	type field struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	list, err := get(ctx, v.api, request{path: pathFields}, "list of fields", func(list []field) bool { return len(list) > 0 })
	if err != nil {
		return []collectors.Verified{{What: what, Err: err}}
	}
	known := map[string]bool{}
	var ids []string
	for _, f := range list {
		known[f.ID] = true
		ids = append(ids, f.ID)
	}
	return []collectors.Verified{users.LookUp(what, "the site has no field with this id, or the account cannot see it",
		func(id string) bool { return known[id] },
		func(id string) string {
			for _, f := range list {
				if fold(f.Name) == fold(id) {
					return fmt.Sprintf(", did you mean %q, the id of the field with this name?", clean(f.ID))
				}
			}
			return collectors.Nearest(ids)(id)
		})}
}

// notThere matches the name in Jira's message about a value that it does not have.
var notThere = regexp.MustCompile(`(?i)(?:value|field|option) '([^']+)'`)

// verifySearches sends every configured search once, for one issue that is not
// older than a day.
func (v *verification) verifySearches(ctx context.Context, _ []*catalog.Service) []collectors.Verified {
	out := collectors.Verified{What: "searches"}
	var failed []error
	for _, configured := range v.searches() {
		s := search{jql: "(" + configured.jql + `) AND created >= "-1d" ORDER BY created ASC`, fields: []string{"created"}}
		q := s.request(v.api)
		q.query.Set("maxResults", "1")
		_, err := v.api.page(ctx, q)
		refused, isRefusal := errors.AsType[*refusal](err)
		switch {
		case err == nil:
			out.Found++
		case isRefusal && collectors.ReasonOf(ctx, err) == evidence.ReasonRejected:
			out.Absent = append(out.Absent, collectors.AbsentName{
				Name: evidence.Clean(configured.jql, 200), Users: []string{configured.key},
				Why: "Jira refuses the search: " + refused.Error(), Suggestion: v.suggest(ctx, refused.Error()),
			})
		default:
			if failed = append(failed, collectors.About(err, configured.key)); collectors.EndsRound(ctx, err) {
				out.Err = errors.Join(failed...)
				return []collectors.Verified{out}
			}
		}
	}
	out.Err = errors.Join(failed...)
	return []collectors.Verified{out}
}

// configuredSearch is a query of the configuration, and where it is written.
type configuredSearch struct{ key, jql string }

func (v *verification) searches() []configuredSearch {
	var all []configuredSearch
	if v.incidents.JQL != "" {
		all = append(all, configuredSearch{"incidents.jql", v.incidents.JQL})
	}
	if v.reviews.JQL != "" {
		all = append(all, configuredSearch{"reviews.jql", v.reviews.JQL})
	}
	for _, f := range v.facts {
		if f.JQL != "" {
			all = append(all, configuredSearch{"fact " + f.Name, f.JQL})
		}
	}
	return all
}

// suggest finds the name of the site that was meant by the one that a refusal names.
func (v *verification) suggest(ctx context.Context, message string) string {
	found := notThere.FindStringSubmatch(message)
	if found == nil {
		return ""
	}
	names := slices.Clone(v.names)
	var survey Survey
	if v.surveyTypes(ctx, &survey) == nil { // without the types the suggestion may be missing
		names = append(names, survey.IssueTypes...)
	}
	return collectors.Nearest(names)(found[1])
}

// components are the names of the components of a project.
func (a *api) components(ctx context.Context, project string) ([]string, error) {
	path := pathProjects + "/" + url.PathEscape(project) + "/components"
	list, err := get(ctx, a, request{path: path}, "list of components", func(list *[]named) bool { return list != nil })
	if err != nil {
		return nil, err
	}
	names := make([]string, len(*list))
	for i, c := range *list {
		names[i] = cleanName(c.Name)
	}
	return names, nil
}
