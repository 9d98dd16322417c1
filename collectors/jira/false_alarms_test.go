package jira_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

// TestFalseAlarms: a resolution or a status says so once the ticket is closed, a label at
// any time. Every ticket is one.
func TestFalseAlarms(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		plain := incident(1, "cart", noon.Add(-day))
		plain.Done = noon
		resolved := incident(2, "cart", noon.Add(-day))
		resolved.Done, resolved.Resolution = noon, "false  alarm"
		labelled := incident(3, "cart", noon.Add(-day))
		labelled.Labels = []string{"False-Positive"}
		own := incident(4, "cart", noon.Add(-day))
		own.Done, own.Resolution = noon, "Nothing to see"
		site, services := shop(plain, resolved, labelled, own)
		expect := func(w *world, want map[string]evidence.Answer) {
			t.Helper()
			r := w.mustCollect()
			for key, answer := range want {
				if in := r.incidents[key]; in.FalseAlarm != answer || in.HasTicket != evidence.Yes {
					t.Errorf("%s: false alarm %d, want %d; ticket %d", key, in.FalseAlarm, answer, in.HasTicket)
				}
			}
		}
		const y, n = evidence.Yes, evidence.No
		expect(start(t, dataCenter, site, services),
			map[string]evidence.Answer{"SHOP-1": n, "SHOP-2": y, "SHOP-3": y, "SHOP-4": n})
		// A list of one's own replaces that of the default, each for itself.
		ours := config.JiraFalseAlarms{Resolutions: []string{"Nothing to see"}, Labels: []string{}}
		other := map[string]evidence.Answer{"SHOP-1": n, "SHOP-2": n, "SHOP-3": n, "SHOP-4": y}
		w := start(t, dataCenter, site, services, func(s setup) { s.jira.Incidents.FalseAlarms = ours })
		expect(w, other)
		// With other words all tickets are read again.
		w = start(t, dataCenter, site, services)
		w.mustCollect()
		w.pass(10 * time.Minute)
		w.options.Incidents.FalseAlarms = ours
		w.restart()
		expect(w, other)
	})
}
