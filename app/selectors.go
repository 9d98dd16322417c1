package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/scoring"
)

// selectable are the names of the catalog that selectors of the configuration may give.
type selectable struct {
	catalog *catalog.Catalog
	// closed is false with discovery, since an unknown name may be discovered later, and
	// without a catalog, whose faults are said.
	closed      bool
	teams, orgs []string
}

func (rc *runtimeConfig) selectable(c *config.Valid) selectable {
	if rc.Catalog == nil {
		return selectable{}
	}
	teams, orgs := map[string]bool{}, map[string]bool{}
	for name, t := range rc.Catalog.Teams() {
		teams[name], orgs[t.Org] = true, true
	}
	for _, s := range rc.Catalog.Services() {
		teams[s.Team], orgs[s.Org] = true, true
	}
	delete(teams, "") // a service without a team or an org is selected by name
	delete(orgs, "")
	return selectable{catalog: rc.Catalog, closed: len(c.Catalog().PagerDuty) == 0,
		teams: slices.Sorted(maps.Keys(teams)), orgs: slices.Sorted(maps.Keys(orgs))}
}

// selector is that of an entry, with the names of services in place of their aliases. The
// faults are the names that no service has.
func (n *selectable) selector(s config.Selector) (selector scoring.Selector, faults []error) {
	services := slices.Clone(s.Services)
	for i, name := range services {
		if catalog.IsPattern(name) {
			continue
		}
		service, err := n.service(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		services[i] = service
	}
	for _, group := range []struct {
		what         string
		wanted, have []string
	}{{"team", s.Teams, n.teams}, {"org", s.Orgs, n.orgs}} {
		for _, name := range group.wanted {
			if n.closed && !slices.Contains(group.have, name) {
				faults = append(faults, fmt.Errorf("no service of the catalog has the %s %q%s", group.what, name,
					nearest.Suggest(name, group.have)))
			}
		}
	}
	return scoring.Selector{Services: services, Tiers: s.Tiers, Teams: s.Teams, Orgs: s.Orgs}, faults
}

// service is the name of the service: an alias selects the service that has it.
func (n *selectable) service(name string) (string, error) {
	if n.catalog == nil {
		return name, nil
	}
	entry, err := n.catalog.Lookup(name)
	switch {
	case err == nil:
		return entry.Name, nil
	case n.closed:
		return "", err
	}
	return name, nil
}
