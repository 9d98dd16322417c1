package pagerduty

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

var _ collectors.Verifier = (*Source)(nil)

// Verify looks the referenced services up in one listing of all services, and says which
// types the newest incidents have. See collectors.Verifier.
func (s *Source) Verify(ctx context.Context, services []*catalog.Service) []collectors.Verified {
	return append(s.verifyServices(ctx, services), s.verifyTypes(ctx))
}

// verifyServices is empty where no service refers to this account.
func (s *Source) verifyServices(ctx context.Context, services []*catalog.Service) []collectors.Verified {
	users, keys := collectors.NameUsers{}, namedKeys{users: map[catalog.IntegrationKey][]string{}}
	for _, service := range services {
		keys.add(service.Name, s.references(service))
		for _, ref := range s.references(service) {
			if ref.ServiceID != "" {
				users.Add(ref.ServiceID, service.Name)
			}
		}
	}
	if len(users)+len(keys.users) == 0 {
		return nil
	}
	var include []string
	if len(keys.users)+len(keys.beside) > 0 {
		include = []string{includeIntegrations}
	}
	found, err := s.surveyServices(ctx, include...)
	if err != nil {
		return []collectors.Verified{{What: verifiedServices, Err: err}}
	}
	var list []collectors.Verified
	if len(users) > 0 {
		list = append(list, lookUpServices(users, &found))
		list[0].Note = keys.note(&found)
	}
	if len(keys.users) > 0 {
		list = append(list, keys.lookUp(&found))
	}
	return list
}

// What Verify calls the names.
const (
	verifiedServices = "services"
	verifiedKeys     = "integration keys"
)

func lookUpServices(users collectors.NameUsers, found *Survey) collectors.Verified {
	known := map[string]bool{}
	for _, service := range found.Services {
		known[service.ID] = true
	}
	for _, id := range found.Unreadable {
		known[id] = true
	}
	v := users.LookUp(verifiedServices, "the account has no service with this id, or the credential cannot see it",
		func(id string) bool { return known[id] },
		func(id string) string { return suggestService(id, users[id], found.Services) })
	if found.Nameless > 0 && len(v.Absent) > 0 {
		// One of the unreadable records may be the service.
		v.Err = incomplete(callOf("services"), "%d records of services have no readable id, and may be those that were "+
			"not found: %s", found.Nameless, evidence.Clean(absentNames(v.Absent), 300))
		v.Absent = nil
	}
	return v
}

func absentNames(absent []collectors.AbsentName) string {
	names := make([]string, len(absent))
	for i, a := range absent {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}

// suggestService finds the service that was meant by something that is no id of
// one: its address, its name, a misspelled id, or the name of the service of the
// catalog that refers to it.
func suggestService(id string, users []string, services []SurveyedService) string {
	words := strings.FieldsFunc(id, func(c rune) bool { return strings.ContainsRune("/?#&=", c) })
	var ids, names []string
	for _, s := range services {
		if slices.Contains(words, s.ID) || strings.EqualFold(s.ID, id) || strings.EqualFold(s.Name, id) {
			return meant(s)
		}
		ids, names = append(ids, s.ID), append(names, catalog.NameOf(s.Name))
	}
	if near, ok := nearest.Name(id, ids); ok {
		return meant(services[slices.Index(ids, near)])
	}
	for _, name := range append([]string{catalog.NameOf(id)}, users...) {
		if near, ok := nearest.Name(name, names); ok && name != "" {
			return meant(services[slices.Index(names, near)])
		}
	}
	return ""
}

func meant(s SurveyedService) string { return fmt.Sprintf(", did you mean %s (%s)?", s.ID, s.Name) }
