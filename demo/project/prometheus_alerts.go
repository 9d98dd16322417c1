package project

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
)

// Firing is one time that one alert fired.
type Firing struct {
	Service, Alert, Severity string
	Start                    time.Time
	// End is zero while it fires.
	End time.Time
	// Incident is the id of the incident that it opened; empty for a page that
	// nobody got.
	Incident string
}

// The severities of the company's alerts.
const (
	severityPage   = "critical"
	severityNotice = "warning"
)

// paged is how long it takes from an alert to an incident.
const paged = 40 * time.Second

// unseen is how far a page that nobody got is from every incident.
const unseen = 2 * time.Hour

// Firings are the alerts that have fired lately, by service, alert and start.
// What monitoring opened an incident about has fired as long as the incident
// lasted, where the team has alerts. Some of these teams have an alert, too,
// whose pages go nowhere.
func Firings(c *company.Company) []Firing {
	of := map[string][]*company.Incident{}
	for _, in := range c.Incidents {
		of[in.Service] = append(of[in.Service], in)
	}
	since := c.Now.Add(-overAMonth)
	var all []Firing
	for _, s := range c.Services {
		if !s.Does(checkAlerts) {
			continue
		}
		for _, in := range of[s.Name] {
			if in.Reported || in.Start.Before(since) {
				continue
			}
			f := Firing{
				Service: s.Name, Alert: camel(s.Name) + camel(in.Problem), Severity: severityNotice, Start: in.Start.Add(-paged),
				Incident: in.ID,
			}
			if in.Urgent {
				f.Severity = severityPage
			}
			if !in.Open() {
				f.End = in.End
			}
			all = append(all, f)
		}
		all = append(all, unheard(c, s, of[s.Name])...)
	}
	slices.SortFunc(all, func(a, b Firing) int {
		return cmp.Or(
			cmp.Compare(a.Service, b.Service), cmp.Compare(a.Alert, b.Alert), cmp.Compare(a.Severity, b.Severity),
			a.Start.Compare(b.Start),
		)
	})
	return all
}

// unheard are the pages that nobody got.
func unheard(c *company.Company, s *company.Service, incidents []*company.Incident) []Firing {
	l := luck{c.Seed, s.Name}
	if !l.chance("pages go nowhere", 0.4) {
		return nil
	}
	var pages []Firing
	for _, roll := range []string{"first page", "second page", "third page"} {
		at := c.Now.Add(-time.Duration(l.between(roll, 1, 29) * 24 * float64(time.Hour)))
		near := slices.ContainsFunc(incidents, func(in *company.Incident) bool {
			return in.Start.Before(at.Add(unseen)) && (in.Open() || in.End.After(at.Add(-unseen)))
		}) || slices.ContainsFunc(pages, func(f Firing) bool { return f.Start.Sub(at).Abs() < unseen })
		if !near {
			pages = append(pages, Firing{
				Service: s.Name, Alert: camel(s.Name) + "HeartbeatMissing", Severity: severityPage,
				Start: at, End: at.Add(time.Duration(l.between(roll+" lasts", 8, 50) * float64(time.Minute))),
			})
		}
	}
	return pages
}

// alerts are the series that Prometheus itself keeps of what fires.
func alerts(c *company.Company, w *writer) {
	namespaces, teams := map[string]string{}, map[string]string{}
	for _, s := range c.Services {
		namespaces[s.Name], teams[s.Name] = namespace(s), s.TeamName
	}
	for list := Firings(c); len(list) > 0; {
		first, n := list[0], 0
		var during []prometheus.Span
		for ; n < len(list) && list[n].Service == first.Service && list[n].Alert == first.Alert &&
			list[n].Severity == first.Severity; n++ {
			span := prometheus.Span{From: list[n].Start, Until: list[n].End}
			if span.Until.IsZero() {
				span.Until = c.Now.Add(Retention)
			}
			if least := span.From.Add(time.Minute); span.Until.Before(least) {
				span.Until = least // a minute is seen, whenever it began
			}
			during = append(during, span)
		}
		list = list[n:]
		w.yield(prometheus.Series{
			Name: "ALERTS", Reach: overAMonth, Every: time.Minute, During: during,
			Labels: map[string]string{
				"alertname": first.Alert, "alertstate": "firing", "severity": first.Severity, "team": teams[first.Service],
				"job": first.Service, "namespace": namespaces[first.Service], "cluster": cluster,
			},
			At: func(t time.Time) (float64, bool) {
				return 1, slices.ContainsFunc(during, func(s prometheus.Span) bool { return s.Holds(t) })
			},
		})
	}
}
