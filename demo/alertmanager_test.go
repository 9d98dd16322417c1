package main

import (
	"path/filepath"
	"strings"
	"testing"

	alertmanager "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"

	"github.com/prodready/collector/rules"
)

// TestWhoGetsAlerts: with deploy/alertmanager.yml, an alert about a service goes to its team. An
// alert about the collector, or about a service without a team, goes to the platform team.
// Kudos go to a channel that everybody reads.
func TestWhoGetsAlerts(t *testing.T) {
	t.Parallel()
	loaded, err := alertmanager.LoadFile(filepath.Join("..", "deploy", "alertmanager.yml"))
	if err != nil {
		t.Fatal(err)
	}
	root := dispatch.NewRoute(loaded.Route, nil)
	collector, without := rules.Defaults().CollectorTeam, rules.Defaults().Without
	for _, c := range []struct{ alert, team, receiver, together string }{
		{"ReadinessBadgeRegressed", "payments", "payments", "alertname team"},
		{"ReadinessBadgeReached", "payments", "kudos", "team"},
		{"ReadinessBadgeReached", without, "kudos", "team"},
		{"ReadinessBadgeRegressed", without, "platform", "alertname"},
		{"ReadinessEvidenceStale", collector, "platform", "alertname"},
		{"ReadinessBadgeRegressed", "checkout", "platform", "alertname"},
	} {
		routes := root.Match(model.LabelSet{"alertname": model.LabelValue(c.alert), "team": model.LabelValue(c.team)})
		if len(routes) != 1 {
			t.Fatalf("%+v: %d routes", c, len(routes))
		}
		if o := routes[0].RouteOpts; o.Receiver != c.receiver || len(o.GroupBy) != len(strings.Fields(c.together)) {
			t.Errorf("%+v: to %s, together by %v", c, o.Receiver, o.GroupBy)
		}
	}
}
