package pagerduty

import (
	"cmp"
	"fmt"

	"github.com/prodready/collector/evidence"
)

// groupingSetting groups the alerts of one or several services.
type groupingSetting struct {
	ID       string      `json:"id"`
	Type     string      `json:"type"`
	Services []reference `json:"services"`
}

func (g *groupingSetting) check() error { return lacks("type", g.Type) }

// groupsByContent reports whether the type of grouping compares the content of
// alerts and not only their time.
func groupsByContent(grouping string) bool {
	return grouping == "intelligent" || grouping == "content_based" || grouping == "content_based_intelligent"
}

// groupingsListing declares the list of alert grouping settings.
func groupingsListing() listing {
	// types are the types of settings by service. Of several settings, one that
	// groups by content comes first.
	types := map[string]string{}
	var bad undecodable
	grouped := func(s *serviceRecord) bool { return groupsByContent(s.ownGrouping()) || groupsByContent(types[s.ID]) }
	return listing{
		path: "alert_grouping_settings", scope: "services.read", records: "settings", cursor: "after", every: slowEvery,
		read: decoded("alert_grouping_setting", func(g *groupingSetting) {
			for _, s := range g.Services {
				if !groupsByContent(types[s.ID]) {
					types[s.ID] = g.Type
				}
			}
		}, bad.add),
		groups: []group{{
			name: "grouping",
			facts: []fact{withServices(perService(evidence.Definition{
				Name: "pagerduty.adaptive_alerting", Kind: evidence.KindBool, Merge: evidence.MergeAll,
				Help: "Alerts are grouped by content or by machine learning, by the service's own " +
					"alert_grouping_parameters in GET /services or a setting in GET /alert_grouping_settings, and " +
					"transient ones are paused, auto_pause_notifications_parameters; of several services, of all.",
				Absent: "false when the service does not have the settings",
			}, func(_ *round, s *serviceRecord) answer {
				grouping := s.ownGrouping()
				if shared := types[s.ID]; shared != "" && !groupsByContent(grouping) {
					grouping = shared + " by a shared setting"
				}
				detail := fmt.Sprintf("alert grouping %s, auto-pause %t", grouping, s.pauses())
				return yes(s.pauses() && grouped(s), detail)
			}))},
			unknown: func(_ *round, s *serviceRecord) evidence.Missing {
				return bad.about(s, grouped(s) || !s.pauses())
			},
		}},
	}
}

// ownGrouping is the type in the service's own record; "none" without one.
func (s *serviceRecord) ownGrouping() string { return cmp.Or(s.Grouping.Type, "none") }

func (s *serviceRecord) pauses() bool { return s.AutoPause.Enabled }
