package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/evidence"
)

const (
	// surveyPage is how many projects a page of Cloud is asked for, which grants
	// at most as many.
	surveyPage = 50
	// maxSurveyPages bounds the searches of a survey, which looks at a sample.
	maxSurveyPages = 5
	// maxName bounds a name that a survey takes over, in bytes.
	maxName = 300
)

// Survey is what the account can see of a site: enough to begin a catalog and a
// configuration with.
type Survey struct {
	// Projects are in order of their keys.
	Projects []SurveyedProject
	// IssueTypes are the names of the types of issues, in their order, each once.
	IssueTypes []string
	// Labels are those of the source's attestations that issues carry, in their
	// order.
	Labels []string
	// Missing is what could not be listed, projects apart; empty when all was.
	Missing []error
}

// SurveyedProject is one project of a site.
type SurveyedProject struct {
	Key, Name string
	// Category is what the site's administrators put it under; empty for none.
	Category string
	// Components are those that issues of the last 90 days carry, in their order.
	// There may be more: not every issue is looked at.
	Components []string
}

// Survey lists what the account can see, from list endpoints alone: the number
// of requests grows with pages of projects, and not with projects. It may run
// beside Collect. The error is of the projects, a *collectors.CallError; without
// them there is no survey.
func (s *Source) Survey(ctx context.Context) (Survey, error) {
	var found Survey
	if s.deployment == Cloud {
		// To strangers Cloud has no projects, instead of refusing.
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
			if hopeless(ctx, err) {
				break
			}
		}
	}
	return found, nil
}

// projects lists the projects that the account may browse.
func (a *api) projects(ctx context.Context) ([]SurveyedProject, error) {
	var all []SurveyedProject
	add := func(call string, list []json.RawMessage) error {
		for _, raw := range list {
			var p struct {
				Key      string `json:"key"`
				Name     string `json:"name"`
				Category *struct {
					Name string `json:"name"`
				} `json:"projectCategory"`
			}
			if err := json.Unmarshal(raw, &p); err != nil || p.Key == "" {
				return undecodable(call, errors.New("a project without a key"))
			}
			project := SurveyedProject{Key: clean(p.Key), Name: evidence.Clean(strings.TrimSpace(p.Name), maxName)}
			if p.Category != nil {
				project.Category = evidence.Clean(strings.TrimSpace(p.Category.Name), maxName)
			}
			all = append(all, project)
		}
		return nil
	}
	if err := a.projectPages(ctx, add); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b SurveyedProject) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(all, func(a, b SurveyedProject) bool { return a.Key == b.Key }), nil
}

// projectPages hands on the projects: all at once on Data Center, page by page
// on Cloud.
func (a *api) projectPages(ctx context.Context, each func(call string, list []json.RawMessage) error) error {
	if !a.cloud {
		const call = "GET /rest/api/2/project"
		body, err := a.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/project", call: call})
		if err != nil {
			return err
		}
		var list *[]json.RawMessage
		if err := json.Unmarshal(body, &list); err != nil || list == nil {
			return undecodable(call, errors.New("the answer is no list of projects"))
		}
		return each(call, *list)
	}
	const call = "GET /rest/api/2/project/search"
	query := url.Values{"maxResults": {strconv.Itoa(surveyPage)}, "orderBy": {"key"}}
	for start, n := 0, 0; ; n++ {
		if n == maxPages {
			return incomplete(call, fmt.Errorf("no end after %d pages", n))
		}
		query.Set("startAt", strconv.Itoa(start))
		body, err := a.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/project/search", call: call, query: query})
		if err != nil {
			return err
		}
		var page struct {
			Values *[]json.RawMessage `json:"values"`
			IsLast bool               `json:"isLast"`
		}
		if err := json.Unmarshal(body, &page); err != nil || page.Values == nil {
			return undecodable(call, errors.New(`the answer has no list "values"`))
		}
		if err := each(call, *page.Values); err != nil {
			return err
		}
		if page.IsLast {
			return nil
		}
		if len(*page.Values) == 0 {
			return incomplete(call, errors.New("an empty page that is not the last one"))
		}
		start += len(*page.Values)
	}
}

// surveyTypes lists the types of issues.
func (s *Source) surveyTypes(ctx context.Context, found *Survey) error {
	const call = "GET /rest/api/2/issuetype"
	body, err := s.api.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/issuetype", call: call})
	if err != nil {
		return err
	}
	var list []struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return undecodable(call, errors.New("the answer is no list of types of issues"))
	}
	for _, t := range list {
		if name := evidence.Clean(strings.TrimSpace(t.Name), maxName); name != "" {
			found.IssueTypes = append(found.IssueTypes, name)
		}
	}
	found.IssueTypes = unique(found.IssueTypes)
	return nil
}

// errEnough ends a listing of which a sample is enough.
var errEnough = errors.New("a sample is enough")

// firstPages walks the first pages of a search. An issue that cannot be decoded is
// passed over.
func (s *Source) firstPages(ctx context.Context, q search, each func(*issue)) error {
	pages := 0
	err := s.api.all(ctx, q, func(page []json.RawMessage) error {
		for _, raw := range page {
			if i, err := decodeIssue(raw, s.deployment == Cloud); err == nil {
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

// surveyComponents takes the components from issues, since the only list of
// them is one for each project.
func (s *Source) surveyComponents(ctx context.Context, found *Survey) error {
	of := map[string][]string{}
	q := search{jql: `component is not EMPTY AND updated >= "-90d" ORDER BY updated DESC`,
		fields: []string{"project", "components"}}
	err := s.firstPages(ctx, q, func(i *issue) {
		for _, c := range i.components {
			of[fold(i.project)] = append(of[fold(i.project)], evidence.Clean(strings.TrimSpace(c), maxName))
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
