package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// Survey is the content of an account: the services that a catalog can be made
// from, and the teams that own them. Both are in order of their ids.
type Survey struct {
	Services []SurveyedService
	Teams    []SurveyedTeam
	// TeamsError is why teams could not be listed, for example because the
	// credential is without the scope teams.read; nil when they were. The teams in
	// Services have their names in any case.
	TeamsError error
	// Unreadable are the ids of services whose record could not be decoded, and
	// Nameless counts those without a readable id. They exist although they are
	// not in Services.
	Unreadable []string
	Nameless   int

	// keys are those of the integrations, if they were asked for.
	keys integrationKeys
}

// SurveyedService is one PagerDuty service.
type SurveyedService struct {
	ID, Name string
	// Description is empty for none.
	Description string
	// Status is active, warning, critical, maintenance or disabled.
	Status string
	// Teams own the service.
	Teams []SurveyedTeam
	// PolicyID and PolicyName are of the escalation policy; empty for none.
	PolicyID, PolicyName string
	// Keys are those of its integrations that no other service has, in the order of their
	// digests. Only SurveyWithKeys asks for them.
	Keys []catalog.IntegrationKey
}

// SurveyedTeam is one PagerDuty team.
type SurveyedTeam struct{ ID, Name string }

// surveyListings are what surveys list and rounds do not.
func surveyListings() []listing {
	return []listing{
		{path: "teams", scope: "teams.read"},
		{path: "tags", scope: "tags.read"},
		{path: "tags/{id}/teams", scope: "tags.read"},
		{path: "tags/{id}/escalation_policies", scope: "tags.read"},
	}
}

// Bounds of the text of a survey, in bytes.
const (
	maxName        = 300
	maxDescription = 2000
)

type surveyedRecord struct {
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Description  string           `json:"description"`
	Status       string           `json:"status"`
	Teams        []surveyedObject `json:"teams"`
	Integrations []integration    `json:"integrations"`
	Policy       surveyedObject   `json:"escalation_policy"`
}

func (s *surveyedRecord) check() error {
	return cmp.Or(lacks("id", s.ID), lacks("name", strings.TrimSpace(s.Name)))
}

// surveyedObject is an object or a reference to one. They have the name in
// different fields.
type surveyedObject struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Label   string `json:"label"`
	Summary string `json:"summary"`
}

func (o *surveyedObject) check() error { return lacks("id", o.ID) }

func (o *surveyedObject) name() string {
	return evidence.Clean(strings.TrimSpace(cmp.Or(o.Name, o.Label, o.Summary)), maxName)
}

// Survey lists all services and teams of the account, page by page. It may run
// beside Collect. The error is of the services, joined *CallErrors as of
// Collect; without them there is no survey.
func (s *Source) Survey(ctx context.Context) (Survey, error) { return s.survey(ctx) }

// SurveyWithKeys is Survey with the keys of integrations, without a further request.
func (s *Source) SurveyWithKeys(ctx context.Context) (Survey, error) {
	return s.survey(ctx, includeIntegrations)
}

func (s *Source) survey(ctx context.Context, include ...string) (Survey, error) {
	found, err := s.surveyServices(ctx, include...)
	if err != nil {
		return Survey{}, err
	}
	teams, err := listAll[surveyedObject](ctx, s, "teams", url.Values{}, nil)
	if collectors.EndsRound(ctx, err) {
		return Survey{}, err
	}
	found.TeamsError = err
	for _, team := range teams {
		found.Teams = append(found.Teams, SurveyedTeam{ID: evidence.Clean(team.ID, 100), Name: team.name()})
	}
	found.Teams = unique(found.Teams, func(v SurveyedTeam) string { return v.ID })
	return found, nil
}

// surveyServices lists the services, without the teams that own none, and with the
// objects that are to be included besides.
func (s *Source) surveyServices(ctx context.Context, include ...string) (Survey, error) {
	var found Survey
	if slices.Contains(include, includeIntegrations) {
		found.keys = newIntegrationKeys()
	}
	query := url.Values{"include[]": append([]string{"teams", "escalation_policies"}, include...)}
	services, err := listAll[surveyedRecord](ctx, s, "services", query, func(id string) {
		if id == "" {
			found.Nameless++
		} else {
			found.Unreadable = append(found.Unreadable, id)
		}
	})
	if err != nil {
		return Survey{}, err
	}
	for _, record := range services {
		found.Services = append(found.Services, record.surveyed())
		if found.keys.services != nil {
			found.keys.add(record.ID, record.Integrations)
		}
	}
	found.Services = unique(found.Services, func(v SurveyedService) string { return v.ID })
	byID := found.keys.byService()
	for i, service := range found.Services {
		found.Services[i].Keys = byID[service.ID]
	}
	return found, nil
}

func (s *surveyedRecord) surveyed() SurveyedService {
	service := SurveyedService{
		ID: evidence.Clean(s.ID, 100), Name: evidence.Clean(strings.TrimSpace(s.Name), maxName),
		Status:      evidence.Clean(s.Status, 100),
		Description: evidence.Clean(strings.TrimSpace(s.Description), maxDescription),
	}
	for _, t := range s.Teams {
		if t.ID != "" {
			service.Teams = append(service.Teams, SurveyedTeam{ID: evidence.Clean(t.ID, 100), Name: t.name()})
		}
	}
	if s.Policy.ID != "" {
		service.PolicyID, service.PolicyName = evidence.Clean(s.Policy.ID, 100), s.Policy.name()
	}
	return service
}

// ErrNoTag is the error of SurveyTag when PagerDuty has no such tag.
var ErrNoTag = errors.New("no tag has the label")

// SurveyTag returns the services of the survey that carry the tag with the
// label, whatever its case. PagerDuty tags label escalation policies and teams,
// never services: a service carries the tags of its escalation policy and of
// its teams. It takes three requests, and more only with pages. A label that no
// tag has is an ErrNoTag, whose text suggests the nearest one.
func (s *Source) SurveyTag(ctx context.Context, survey Survey, label string) ([]SurveyedService, error) {
	if label = strings.TrimSpace(label); label == "" {
		return nil, fmt.Errorf("%s: a tag without a label was asked for", s.id)
	}
	tags, err := listAll[surveyedObject](ctx, s, "tags", url.Values{"query": {label}}, nil)
	if err != nil {
		return nil, err
	}
	bearers := map[string]bool{}
	found := false
	for _, tag := range tags {
		if !strings.EqualFold(tag.name(), label) {
			continue // PagerDuty searches for parts of labels
		}
		found = true
		for _, list := range [...]string{"escalation_policies", "teams"} {
			path := "tags/" + url.PathEscape(tag.ID) + "/" + list
			tagged, err := listAll[surveyedObject](ctx, s, path, url.Values{}, nil)
			if err != nil {
				return nil, err
			}
			for _, bearer := range tagged {
				bearers[bearer.ID] = true
			}
		}
	}
	if !found {
		return nil, s.noTag(ctx, label)
	}
	var carriers []SurveyedService
	for _, service := range survey.Services {
		carries := func(t SurveyedTeam) bool { return bearers[t.ID] }
		if bearers[service.PolicyID] || slices.ContainsFunc(service.Teams, carries) {
			carriers = append(carriers, service)
		}
	}
	return carriers, nil
}

// noTag is the error about a label that no tag has. It suggests the nearest one.
func (s *Source) noTag(ctx context.Context, label string) error {
	var labels []string
	all, _ := listAll[surveyedObject](ctx, s, "tags", url.Values{}, nil) // without it there is no suggestion
	for _, tag := range all {
		labels = append(labels, tag.name())
	}
	return fmt.Errorf("%s: %w %q%s", s.id, ErrNoTag, evidence.Clean(label, 100), nearest.Suggest(label, labels))
}

// listAll lists the records at the path. One that cannot be decoded is logged and
// left out; bad, unless it is nil, is called with its id, which is empty when it
// cannot be read. There are no records with an error.
func listAll[T any, P checked[T]](
	ctx context.Context, s *Source, path string, query url.Values, bad func(id string),
) ([]*T, error) {
	var list []*T
	err := s.api.complete(ctx, path, "", query, func(records []json.RawMessage) error {
		for _, raw := range records {
			record, err := decode[T, P](raw)
			if err == nil {
				list = append(list, record)
				continue
			}
			id := evidence.Clean(idOf(raw, "id"), 100)
			s.log.Warn("skipped a record that cannot be decoded", "call", callOf(path), "id", id, "error", err)
			if bad != nil {
				bad(id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// unique sorts by id and removes records that overlapping pages contain twice.
func unique[T any](list []T, id func(T) string) []T {
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	return slices.CompactFunc(list, func(a, b T) bool { return id(a) == id(b) })
}
