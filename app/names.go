package app

import (
	"context"
	"maps"
	"slices"
)

// Names are what a person may write where a command asks for a name, each list in order.
type Names struct {
	Services, Teams, Orgs, Sources, Checks, Modules []string
}

// KnownNames are those of the configuration and, where the store can be read, of the services
// that discovery has found. It makes no request. If the configuration is not valid, there are
// no names and no error, because a shell that completes a name cannot show an error.
func KnownNames(ctx context.Context, o Options) Names {
	o.noRequests = true
	var rc *runtimeConfig
	if r, err := openForReading(ctx, o); err == nil {
		defer r.close()
		rc = r.runtimeConfig
	} else if _, rc, err = plan(o); err != nil {
		return Names{}
	}
	names := rc.selectable(rc.config)
	out := Names{
		Services: rc.Catalog.Names(), Teams: names.teams, Orgs: names.orgs, Sources: rc.SourceIDs(), Checks: rc.CheckIDs(),
	}
	modules := map[string]bool{}
	for _, f := range rc.frameworksInUse() {
		for _, m := range f.Modules {
			modules[m.ID] = true
		}
	}
	out.Modules = slices.Sorted(maps.Keys(modules))
	slices.Sort(out.Services)
	slices.Sort(out.Sources)
	slices.Sort(out.Checks)
	return out
}
