package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/prodready/collector/internal/storetest"
)

// judged are the lines of the page of metrics that say what was judged: not how this
// process is doing.
func (d *daemon) judged() string {
	d.t.Helper()
	_, page := d.get("/metrics")
	var lines []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "readiness_") && !strings.HasPrefix(line, "readiness_collector_") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestDaemonsThatShareAStore: two daemons on one database show the same page. When one
// is killed the other judges and collects on. One with a newer configuration takes over
// the judging from one with an older one, and each badge changes once.
func TestDaemonsThatShareAStore(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	s.environ = []string{"READINESS__STORE__URL=" + storetest.StartPostgres(t).Database(t)}
	first, second := s.start(), s.start()
	first.ready()
	second.ready()
	first.eventually("both daemons show the same page", func() bool {
		page := first.judged()
		return strings.Contains(page, `readiness_badge_level{service_name="checkout"`) && page == second.judged()
	})

	evaluated := func(d *daemon) float64 {
		v, _ := d.value("readiness_snapshot_timestamp_seconds")
		return v
	}
	collected := func(d *daemon) float64 {
		v, _ := d.value("readiness_collector_runs_total", "source", "pagerduty/main", "outcome", "success")
		return v
	}
	_ = first.stop(syscall.SIGKILL)
	last, rounds := evaluated(second), collected(second)
	second.eventually("the other one judges on", func() bool { return evaluated(second) > last+2 })
	second.eventually("the other one collects on", func() bool { return collected(second) > rounds })

	// The newer criteria ask for nine levels of escalation, which checkout does not have.
	s.write("newer.yaml", s.read("collector.yaml"))
	s.write("newer-four.yaml", s.read("four.yaml"))
	s.edit("newer.yaml", "four.yaml", "newer-four.yaml")
	s.edit("newer-four.yaml", "pagerduty.escalation_levels >= 2", "pagerduty.escalation_levels >= 9")
	newer := s.start("--config", "newer.yaml")
	newer.ready()
	newer.eventually("the newer configuration has judged", func() bool {
		_, ok := newer.value("readiness_check_status", "service_name", "checkout", "check", "inc.escalates", "status", "fail")
		return ok
	})
	changes := func(d *daemon) float64 {
		v, _ := d.value("readiness_badge_transitions_total")
		return v
	}
	before, at := changes(newer), evaluated(newer)
	newer.eventually("some more judgements", func() bool { return evaluated(newer) > at+5 })
	if got := changes(newer); got > before+1 {
		t.Errorf("%v badge changes in five seconds with two configurations, want one at most", got-before)
	}
	second.eventually("the daemon with the older configuration says that another one judges", func() bool {
		return strings.Contains(second.log.String(), "judges by a configuration that was loaded later")
	})
}
