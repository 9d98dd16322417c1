package jira

import (
	"context"
	"encoding/json"
	"errors"
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
	// Components are those of issues of the last 90 days, sorted. There may be more:
	// only the first issues are read.
	Components []string
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
	projects, err := s.api.projects(ctx)
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

// projects lists the projects that the account may browse.
func (a *api) projects(ctx context.Context) ([]SurveyedProject, error) {
	type project struct {
		Key      string `json:"key"`
		Name     string `json:"name"`
		Category named  `json:"projectCategory"`
	}
	var all []SurveyedProject
	err := a.projectPages(ctx, func(call string, list []json.RawMessage) error {
		for _, raw := range list {
			var p project
			if err := json.Unmarshal(raw, &p); err != nil || p.Key == "" {
				return collectors.Failed(evidence.ReasonUndecodable, call, "a project without a key")
			}
			all = append(all, SurveyedProject{Key: clean(p.Key), Name: cleanName(p.Name), Category: cleanName(p.Category.Name)})
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

// projectPages calls each with the projects: all at once on Data Center, page by
// page on Cloud.
func (a *api) projectPages(ctx context.Context, each func(call string, list []json.RawMessage) error) error {
	if !a.cloud {
		isList := func(list *[]json.RawMessage) bool { return list != nil }
		list, err := get(ctx, a, pathProjects, "list of projects", isList)
		if err != nil {
			return err
		}
		return each(request{path: pathProjects}.call(), *list)
	}
	query := url.Values{"maxResults": {strconv.Itoa(surveyPage)}, "orderBy": {"key"}, "startAt": {"0"}}
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
	list, err := get(ctx, s.api, pathIssueTypes, "list of types of issues", func([]named) bool { return true })
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
	of := map[string][]string{}
	q := search{jql: `component is not EMPTY AND updated >= "-90d" ORDER BY updated DESC`,
		fields: []string{"project", "components"}}
	err := s.firstPages(ctx, q, func(i *issue) {
		for _, c := range i.components {
			of[fold(i.project)] = append(of[fold(i.project)], cleanName(c))
		}
	})
	for n := range found.Projects {
		found.Projects[n].Components = unique(of[fold(found.Projects[n].Key)])
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
