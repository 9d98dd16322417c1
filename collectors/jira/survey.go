package jira

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// surveyPage is how many projects a page of Cloud is asked for, which grants
	// at most as many.
	surveyPage = 50
	// maxSurveyPages bounds the searches of a survey, which looks at a sample.
	maxSurveyPages = 5
	// maxName bounds a name in a survey, in bytes.
	maxName = 300
	// maxAddresses and maxAddress bound the addresses of a project or component, and the
	// bytes of one.
	maxAddresses, maxAddress = 20, 500
	// withLinks are the parts of a project that hold web addresses.
	withLinks = "description,url"
)

// Survey is what the account can see of a site: the start of a catalog and a
// configuration.
type Survey struct {
	// Projects are in order of their keys.
	Projects []SurveyedProject
	// IssueTypes are the names of the types of issues, sorted, each once.
	IssueTypes []string
	// Labels are those of the source's attestations that issues have, sorted.
	Labels []string
	// Missing are the errors of what could not be listed, apart from projects.
	Missing []error
}

// SurveyedProject is one project of a site.
type SurveyedProject struct {
	Key, Name string
	// Category is the one that the site's administrators gave it; empty for none.
	Category string
	// Links are the web addresses in its description and its own address, sorted.
	Links []string
	// Components are those of issues of the last 90 days, in order of their names.
	// There may be more: only the first issues are read.
	Components []SurveyedComponent
}

// SurveyedComponent is one component of a project.
type SurveyedComponent struct {
	Name string
	// Links are the web addresses in its description, sorted.
	Links []string
}

// Survey lists what the account can see, from list endpoints alone: the number
// of requests grows with pages of projects, and not with projects. It may run at
// the same time as Collect. The error, a *collectors.CallError, is that of the
// projects; without them there is no survey.
func (s *Source) Survey(ctx context.Context) (Survey, error) {
	var found Survey
	if s.deployment == Cloud {
		// Cloud answers a visitor without an account with no projects, instead of
		// refusing.
		if err := s.api.whoAmI(ctx); err != nil {
			return Survey{}, err
		}
	}
	projects, err := s.api.projects(ctx, withLinks)
	if err != nil {
		return Survey{}, err
	}
	found.Projects = projects
	for _, step := range []func(context.Context, *Survey) error{s.surveyTypes, s.surveyComponents, s.surveyLabels} {
		if err := step(ctx, &found); err != nil {
			found.Missing = append(found.Missing, err)
			if collectors.EndsRound(ctx, err) {
				break
			}
		}
	}
	return found, nil
}

// projects lists the projects that the account may browse. expand names the parts of
// them that Jira only gives when they are asked for, such as withLinks.
func (a *api) projects(ctx context.Context, expand string) ([]SurveyedProject, error) {
	type project struct {
		Key         string          `json:"key"`
		Name        string          `json:"name"`
		Category    named           `json:"projectCategory"`
		Description json.RawMessage `json:"description"`
		URL         json.RawMessage `json:"url"`
	}
	var all []SurveyedProject
	err := a.projectPages(ctx, expand, func(call string, list []json.RawMessage) error {
		for _, raw := range list {
			var p project
			if err := json.Unmarshal(raw, &p); err != nil || p.Key == "" {
				return collectors.Failed(evidence.ReasonUndecodable, call, "a project without a key")
			}
			all = append(all, SurveyedProject{Key: clean(p.Key), Name: cleanName(p.Name), Category: cleanName(p.Category.Name),
				Links: links(p.Description, p.URL)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b SurveyedProject) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(all, func(a, b SurveyedProject) bool { return a.Key == b.Key }), nil
}

func cleanName(name string) string { return evidence.Clean(strings.TrimSpace(name), maxName) }

// componentLinks are the web addresses in the descriptions of an issue's components,
// by the names of the components.
func (i *issue) componentLinks() map[string][]string {
	var list []struct {
		Name        string          `json:"name"`
		Description json.RawMessage `json:"description"`
	}
	if json.Unmarshal(i.fields["components"], &list) != nil {
		return nil // the issue was read, so that its components are a list
	}
	of := map[string][]string{}
	for _, c := range list {
		of[c.Name] = links(c.Description)
	}
	return of
}

// links are the web addresses in texts, sorted and each once. An address that is too
// long is left out, since a part of one is another address.
func links(texts ...json.RawMessage) []string {
	var all []string
	for _, text := range texts {
		all = append(all, urls(text)...)
	}
	all = unique(slices.DeleteFunc(all, func(link string) bool { return len(link) > maxAddress }))
	return all[:min(len(all), maxAddresses)]
}

// projectPages calls each with the projects: all at once on Data Center, page by
// page on Cloud.
func (a *api) projectPages(
	ctx context.Context, expand string, each func(call string, list []json.RawMessage) error,
) error {
	query := url.Values{}
	if expand != "" {
		query.Set("expand", expand)
	}
	if !a.cloud {
		isList := func(list *[]json.RawMessage) bool { return list != nil }
		q := request{path: pathProjects, query: query}
		list, err := get(ctx, a, q, "list of projects", isList)
		if err != nil {
			return err
		}
		return each(q.call(), *list)
	}
	query.Set("maxResults", strconv.Itoa(surveyPage))
	query.Set("orderBy", "key")
	query.Set("startAt", "0")
	q, start := request{path: pathProjectsCloud, query: query}, 0
	return a.eachPage(ctx, &q, func(p *page) (last bool, err error) {
		projects := p.records()
		if err := each(q.call(), projects); err != nil || p.IsLast {
			return true, err
		}
		if len(projects) == 0 {
			return false, incomplete(q.call(), "an empty page that is not the last one")
		}
		start += len(projects)
		query.Set("startAt", strconv.Itoa(start))
		return false, nil
	})
}

// surveyTypes lists the types of issues.
func (s *Source) surveyTypes(ctx context.Context, found *Survey) error {
	q := request{path: pathIssueTypes}
	list, err := get(ctx, s.api, q, "list of types of issues", func([]named) bool { return true })
	if err != nil {
		return err
	}
	for _, t := range list {
		if name := cleanName(t.Name); name != "" {
			found.IssueTypes = append(found.IssueTypes, name)
		}
	}
	found.IssueTypes = unique(found.IssueTypes)
	return nil
}

// errEnough ends a listing of which a sample is enough.
var errEnough = errors.New("a sample is enough")

// firstPages calls each with the issues of the first pages of a search, without
// those that cannot be decoded.
func (s *Source) firstPages(ctx context.Context, q search, each func(*issue)) error {
	pages := 0
	err := s.api.all(ctx, q, func(page []json.RawMessage) error {
		for _, raw := range page {
			if i, err := decodeIssue(raw, s.api.cloud, s.api.automation); err == nil {
				each(i)
			}
		}
		if pages++; pages == maxSurveyPages {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// surveyComponents reads the components from issues, since a list of components
// would take a request for each project.
func (s *Source) surveyComponents(ctx context.Context, found *Survey) error {
	of := map[string]map[string][]string{} // the links by project and component
	q := search{jql: `component is not EMPTY AND updated >= "-90d" ORDER BY updated DESC`,
		fields: []string{"project", "components"}}
	err := s.firstPages(ctx, q, func(i *issue) {
		project := fold(i.project)
		if of[project] == nil {
			of[project] = map[string][]string{}
		}
		linked := i.componentLinks()
		for _, c := range i.components {
			of[project][cleanName(c)] = linked[c]
		}
	})
	for n := range found.Projects {
		p := &found.Projects[n]
		components := of[fold(p.Key)]
		for _, name := range slices.Sorted(maps.Keys(components)) {
			p.Components = append(p.Components, SurveyedComponent{Name: name, Links: components[name]})
		}
	}
	return err
}

// surveyLabels finds which labels of attestations are in use.
func (s *Source) surveyLabels(ctx context.Context, found *Survey) error {
	for _, part := range portions(s.labels) {
		q := search{jql: in("labels", part) + " ORDER BY updated DESC", fields: []string{"labels"}}
		err := s.firstPages(ctx, q, func(i *issue) {
			for _, label := range part {
				if i.has(label) {
					found.Labels = append(found.Labels, label)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	found.Labels = unique(found.Labels)
	return nil
}
