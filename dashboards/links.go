package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/grafana"
)

// The dashboards' identities in Grafana, and so in the links between them.
const (
	fleetUID     = "readiness-fleet"
	serviceUID   = "readiness-service"
	incidentsUID = "readiness-incidents"
	teamUID      = "readiness-team"
	collectorUID = "readiness-collector"
	tag          = "readiness"
)

// kept are the variables that every dashboard has, so that a link from one to another loses
// none.
func kept() []string { return []string{"datasource", "org", "team", "tier", "service"} }

// to is the address of a dashboard that keeps the variables, but for those that are given
// as name=value.
func to(uid string, changed ...string) string {
	var query []string
	for _, name := range kept() {
		value := "${" + name + ":queryparam}"
		for _, c := range changed {
			if strings.HasPrefix(c, name+"=") {
				value = "var-" + c
			}
		}
		query = append(query, value)
	}
	return "/d/" + uid + "?" + strings.Join(query, "&") + "&${__url_time_range}"
}

// page is the address of a page of the collector.
func page(path string) string { return "${" + grafana.PagesVariable + ":raw}" + path }

// link is one that a value leads to.
func link(title, address string) dashboard.DashboardLink {
	return dashboard.DashboardLink{
		Title: title, Type: dashboard.DashboardLinkTypeLink, Url: &address, Tags: []string{},
	}
}

// toService leads from a value to its service: to its dashboard, and to the page with the
// shortest way to the next badge. name is the expression of Grafana for the service.
func toService(name string) []dashboard.DashboardLink {
	return []dashboard.DashboardLink{
		link("Scorecard", to(serviceUID, "service="+name)),
		link("What to do next", page("/services/"+name)),
	}
}

// toCheck leads to the page that says what a check asks, why, and how to mend it.
func toCheck(id string) []dashboard.DashboardLink {
	return []dashboard.DashboardLink{link("What it asks, why, and how to mend it", page("/checks/"+id))}
}

func toTeam() []dashboard.DashboardLink {
	address := to(teamUID, "team=${__value.raw:percentencode}", "service=%24__all")
	return []dashboard.DashboardLink{link("Team review", address)}
}

// toOthers leads from the top of a dashboard to the others and to the pages. The links are
// made without the builder, whose default hides links in a menu.
func toOthers(d *dashboard.Dashboard) {
	for _, other := range boardNames() {
		if d.Uid != nil && *d.Uid == other.uid {
			continue
		}
		d.Links = append(d.Links, top(other.title, "dashboard", other.question, to(other.uid)))
	}
	pages := top("Pages", "external link", "The pages of the collector: what to do, step by step", page("/"))
	if d.Uid != nil && *d.Uid == serviceUID {
		pages = top("What to do next", "external link", "The page of the service: what to do, step by step",
			page("/services/${service:percentencode}"))
	}
	pages.TargetBlank = true
	d.Links = append(d.Links, pages)
}

func top(title, icon, tooltip, address string) dashboard.DashboardLink {
	l := link(title, strings.TrimSuffix(address, "&${__url_time_range}"))
	l.Icon, l.Tooltip, l.KeepTime = icon, tooltip, strings.HasPrefix(address, "/d/")
	return l
}
