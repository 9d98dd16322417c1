package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/nearest"
)

func (v *validator) exemptions() {
	seen := map[string]string{}
	for i, e := range v.config.Exemptions {
		path := fmt.Sprintf("exemptions[%d]", i)
		v.config.Exemptions[i].Origin = v.origin(path)
		v.exemptChecks(path, e)
		v.required(path+".reason", "the reason", e.Reason)
		v.exemptPeople(path, e)
		if e.Expires.IsZero() {
			v.add(path+".expires", "the last day is missing; an exemption without an end is not possible")
		}
		v.selector(path, e.Selector)
		v.repeatedExemption(path, e, seen)
	}
}

// selector wants at least one key of a selector, with names and tiers that there are.
func (v *validator) selector(path string, s Selector) {
	keys := []string{path + ".services", path + ".tiers", path + ".teams", path + ".orgs"}
	if len(s.Services)+len(s.Tiers)+len(s.Teams)+len(s.Orgs) == 0 &&
		!slices.ContainsFunc(keys, func(key string) bool { return v.spoilt[key] }) {
		v.add(path, "no services, tiers, teams or orgs are named; name at least one")
	}
	var services []string
	for _, s := range v.config.Catalog.Services {
		services = append(append(services, s.Name), s.Aliases...)
	}
	for j, name := range s.Services {
		if v.config.Catalog.Closed() && !catalog.IsPattern(name) && !slices.Contains(services, name) {
			v.add(fmt.Sprintf("%s.services[%d]", path, j),
				"unknown service %q%s; use a name of the catalog", name, nearest.Suggest(name, services))
		}
	}
	for j, tier := range s.Tiers {
		v.tier(fmt.Sprintf("%s.tiers[%d]", path, j), tier)
	}
}

// exemptChecks wants exactly one of the keys that say what is exempt.
func (v *validator) exemptChecks(path string, e Exemption) {
	var given []string
	for _, key := range []struct {
		name string
		set  bool
	}{{"check", e.Check != ""}, {"checks", len(e.Checks) > 0}, {"module", e.Module != ""}} {
		if key.set || v.spoilt[path+"."+key.name] {
			given = append(given, key.name)
		}
	}
	switch len(given) {
	case 0:
		v.add(path, "no check is named; give the id of one in check, of several in checks, or of a module in module")
	case 1:
	default:
		v.add(path, "%s are given; keep one of them, and write another exemption for the rest",
			strings.Join(given[:len(given)-1], ", ")+" and "+given[len(given)-1])
	}
	for j, id := range e.Checks {
		key := fmt.Sprintf("%s.checks[%d]", path, j)
		if v.required(key, "the check", id) && slices.Contains(e.Checks[:j], id) {
			v.add(key, "the check %q is given twice; remove one of them", id)
		}
	}
}

// exemptPeople wants somebody who asked, and another one who agreed.
func (v *validator) exemptPeople(path string, e Exemption) {
	approved := v.required(path+".approver", "the approver", e.Approver)
	switch asked := strings.TrimSpace(e.RequestedBy) != ""; {
	case !asked:
		v.add(path+".requested_by", "who asked for the exemption is missing; name a person, a role or a team other than "+
			"the approver")
	case approved && sameName(e.RequestedBy, e.Approver):
		v.add(path+".approver", "%q also asked for the exemption; name another person, role or team that approved it",
			e.Approver)
	}
}

// sameName compares names without case and blanks.
func sameName(a, b string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	return strings.EqualFold(letters(a), letters(b))
}

// repeatedExemption refuses two exemptions of the same that select the same:
// it would not be clear whose reason and end count. Others that overlap are found where
// the whole catalog is known.
func (v *validator) repeatedExemption(path string, e Exemption, seen map[string]string) {
	services, tiers := slices.Sorted(slices.Values(e.Services)), slices.Sorted(slices.Values(e.Tiers))
	rest := fmt.Sprintf("%v %q %q", tiers, slices.Sorted(slices.Values(e.Teams)), slices.Sorted(slices.Values(e.Orgs)))
	if len(services) == 0 {
		services = []string{""}
	}
	checks := append(slices.Clone(e.Checks), e.Check)
	if e.Module != "" {
		checks = []string{e.What()}
	}
	for _, check := range checks {
		for _, name := range services {
			if check == "" || name == "" && len(e.Tiers)+len(e.Teams)+len(e.Orgs) == 0 {
				continue
			}
			key := fmt.Sprintf("%q %q %s", check, name, rest)
			first, dup := seen[key]
			if !dup || first == path {
				seen[key] = path
				continue
			}
			what := "the same services"
			if name != "" {
				what = strconv.Quote(name)
			}
			thing := "the check " + strconv.Quote(check)
			if e.Module != "" {
				thing = "the module " + strconv.Quote(e.Module)
			}
			v.add(path, "%s is already exempt for %s at %s; keep one of them", thing, what, v.place(first))
			return
		}
	}
}
