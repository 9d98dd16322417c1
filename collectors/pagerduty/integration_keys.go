package pagerduty

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// includeIntegrations asks for the integrations of services with their keys.
const includeIntegrations = "integrations"

// integrationKeys are the keys of the integrations of all services of an account. They
// are kept in memory alone.
type integrationKeys struct {
	// services are ids by key; empty for a key that several services have.
	services map[catalog.IntegrationKey]string
	// hidden says that an integration that should have a key has none.
	hidden bool
}

func newIntegrationKeys() integrationKeys {
	return integrationKeys{services: map[catalog.IntegrationKey]string{}}
}

// add adds the keys of a service. One that comes on two pages is added twice.
func (k *integrationKeys) add(service string, integrations []integration) {
	for _, i := range integrations {
		switch other, known := k.services[i.key]; {
		case i.key.IsZero():
			k.hidden = k.hidden || i.reference != reference{} && !strings.Contains(i.Type, "email")
		case known && other != service:
			k.services[i.key] = ""
		default:
			k.services[i.key] = service
		}
	}
}

// keep takes over the keys of an earlier list whose services this one cannot show.
func (k *integrationKeys) keep(before integrationKeys, lost func(service string) bool) {
	noneShown := k.noneShown()
	for key, service := range before.services {
		if _, known := k.services[key]; !known && (noneShown || lost(service)) {
			k.services[key] = service
		}
	}
}

// noneShown reports whether no integration shows its key: the credential may not see
// keys.
func (k *integrationKeys) noneShown() bool { return k.hidden && len(k.services) == 0 }

// byService are the keys of each service that no other service has.
func (k *integrationKeys) byService() map[string][]catalog.IntegrationKey {
	keys := map[string][]catalog.IntegrationKey{}
	for key, service := range k.services {
		if service != "" {
			keys[service] = append(keys[service], key)
		}
	}
	for _, list := range keys {
		slices.SortFunc(list, func(a, b catalog.IntegrationKey) int { return strings.Compare(a.Digest(), b.Digest()) })
	}
	return keys
}

// KeysHidden reports whether integrations have keys and none is shown: the credential
// may not see them.
func (s *Survey) KeysHidden() bool { return s.keys.noneShown() }

// find is the id of the service with the key; empty if no service has it, and sure then
// says that this is known. It is not where several services have the key, or where
// no integration shows its key.
func (k *integrationKeys) find(key catalog.IntegrationKey) (service string, sure bool) {
	service, several := k.services[key]
	return service, !several && !k.noneShown()
}

// namedKeys are the integration keys that the catalog gives.
type namedKeys struct {
	// users are the services that are named by a key.
	users map[catalog.IntegrationKey][]string
	// beside are those that have a service id, too, which counts.
	beside []keyBesideID
}

type keyBesideID struct {
	service string
	ref     catalog.PagerDutyRef
	// ids are all PagerDuty services of the service.
	ids []string
}

// add adds the references of a service to one account.
func (n *namedKeys) add(service string, refs []catalog.PagerDutyRef) {
	var ids []string
	for _, ref := range refs {
		ids = append(ids, ref.ServiceID)
	}
	for _, ref := range refs {
		switch {
		case ref.IntegrationKey.IsZero():
		case ref.ServiceID != "":
			n.beside = append(n.beside, keyBesideID{service, ref, ids})
		default:
			n.users[ref.IntegrationKey] = append(n.users[ref.IntegrationKey], service)
		}
	}
}

// lookUp looks up the keys that name services.
func (n *namedKeys) lookUp(found *Survey) collectors.Verified {
	v := collectors.Verified{What: verifiedKeys}
	var unsure []string
	for key, users := range n.users {
		service, sure := found.withKey(key)
		switch {
		case service != "":
			v.Found++
		case sure:
			v.Absent = append(v.Absent, collectors.AbsentName{
				Name: key.String(), Users: users,
				Why: "no integration of the account has this integration key, or the credential cannot see it",
			})
		default:
			unsure = append(unsure, key.String()+" of "+strings.Join(users, ", "))
		}
	}
	slices.SortFunc(v.Absent, func(a, b collectors.AbsentName) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.Users, b.Users))
	})
	if slices.Sort(unsure); len(unsure) > 0 {
		v.Err = incomplete(callOf("services"), "%d integration keys may be of services or integrations that cannot be "+
			"read: %s", len(unsure), evidence.Clean(strings.Join(unsure, "; "), 300))
	}
	return v
}

// maxNotes bounds how many keys a note names.
const maxNotes = 5

// note says which keys are not of the PagerDuty services that the same entry names by
// their ids; empty for none.
func (n *namedKeys) note(found *Survey) string {
	var notes []string
	for _, b := range n.beside {
		key := fmt.Sprintf("the integration key %s of %s", b.ref.IntegrationKey, b.service)
		switch service, sure := found.withKey(b.ref.IntegrationKey); {
		case service == "" && sure:
			notes = append(notes, key+" is of no integration; the service id "+b.ref.ServiceID+" counts")
		case service != "" && !slices.Contains(b.ids, service):
			notes = append(notes, key+" is of "+found.called(service)+"; the service id "+b.ref.ServiceID+" counts")
		}
	}
	slices.Sort(notes)
	if more := len(notes) - maxNotes; more > 0 {
		notes = append(notes[:maxNotes], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(notes, "; ")
}

// withKey is as integrationKeys.find, and is not sure where a service cannot be read.
func (s *Survey) withKey(key catalog.IntegrationKey) (service string, sure bool) {
	service, sure = s.keys.find(key)
	return service, sure && s.Nameless == 0 && len(s.Unreadable) == 0
}

// called is the id of a service and its name.
func (s *Survey) called(id string) string {
	for _, service := range s.Services {
		if service.ID == id {
			return id + " (" + service.Name + ")"
		}
	}
	return id
}
