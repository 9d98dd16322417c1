package chaos_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/internal/storetest"
)

// kills is how many replicas are killed; the other events are in proportion. Without it
// a short form runs.
var kills = flag.Int("kills", 0, "run all kinds of events, with so many kills; 0 runs a short form")

// slowly makes the rounds of Jira last until they are ended.
var slowly = jiratest.Fault{Hang: true}

// binaries are the programs, built once.
var binaries struct{ collector, shifted string }

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "collector-chaos")
	if err != nil {
		panic(err)
	}
	build := func(name, module, path string) string {
		binary := filepath.Join(folder, name)
		cmd := exec.CommandContext(context.Background(), "go", "build", "-C", module, "-o", binary, path)
		if out, err := cmd.CombinedOutput(); err != nil {
			panic(string(out))
		}
		return binary
	}
	if !race.Sampled() {
		binaries.collector = build("collector", "../..", "./cmd/collector")
		if *kills > 0 {
			binaries.shifted = build("shifted", ".", "./shifted")
		}
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// script makes the n-th step happen, and returns what it leads to.
type script func(f *fleet, n int) want

// said is the script of what the vendors say.
func said(f *fleet, n int) want { return f.step(n) }

// version is the configuration of the n-th rollout: charlie is important in every second
// one, and sources are asked less often.
func (f *fleet) version(n int) string {
	if n%2 == 0 {
		return f.configuration(period+time.Second, 1)
	}
	return f.configuration(period, 2)
}

// rolledOut is the script of rollouts, which happen to replicas as events. A process
// that is alone reads its configuration again.
func rolledOut(f *fleet, n int) want {
	const silver = 2
	if len(f.replicas) == 1 {
		f.write("collector.yaml", f.version(n))
		f.signal(f.replicas[0], syscall.SIGHUP)
	}
	w := want{service: "charlie", badge: gold, incidents: 2 * base}
	if n%2 == 0 {
		w.badge = silver
	}
	return w
}

// scenarios are what happens with so many kills.
func scenarios(kills int) []scenario {
	plain := func(do event) func(*storetest.Postgres, *storetest.Proxy) event {
		return func(*storetest.Postgres, *storetest.Proxy) event { return do }
	}
	server := func(p *storetest.Postgres, _ *storetest.Proxy) event { return restart(p) }
	network := func(_ *storetest.Postgres, proxy *storetest.Proxy) event { return cut(proxy) }
	if kills == 0 {
		return []scenario{{name: "short", events: 4, script: said, event: func(p *storetest.Postgres, proxy *storetest.Proxy) event {
			return func(f *fleet, n int) kind {
				return []event{kill, restart(p), cut(proxy), kill}[n](f, []int{0, 0, 0, 1}[n])
			}
		}}}
	}
	share := func(n int) int { return max(1, kills*n/100) }
	return []scenario{
		{name: "kills, first quarter", events: (kills + 3) / 4, script: said, event: plain(kill)},
		{name: "kills, second quarter", events: (kills + 2) / 4, script: said, event: plain(kill)},
		{name: "kills, third quarter", events: (kills + 1) / 4, script: said, event: plain(kill)},
		{name: "kills, last quarter", events: kills / 4, script: said, event: plain(kill)},
		{name: "pauses", events: share(20), script: said, event: plain(freeze)},
		{name: "clocks", events: share(4), script: said, event: plain(setClock), shifted: true},
		{name: "kills in the middle of rounds", events: share(5), script: said, event: plain(killCollecting)},
		{name: "restarts of the database", events: share(20), script: said, event: server},
		{name: "losses of the network", events: share(40), script: said, event: network},
		{name: "rollouts", events: share(8), script: rolledOut, event: plain(upgrade)},
	}
}

// result is what one scenario has left and measured.
type result struct {
	scenario
	outcome              string
	doubled, interleaved []string
	measures             []measure
}

// TestReplicasLeaveWhatOneProcessLeaves is in the name.
func TestReplicasLeaveWhatOneProcessLeaves(t *testing.T) {
	race.Skip(t, "its processes are built without the detector")
	var mu sync.Mutex
	var results []result
	references := map[string][]string{}
	list := scenarios(*kills)
	t.Run("fleets", func(t *testing.T) {
		for name, steps := range map[string]script{"said": said, "rolled out": rolledOut} {
			n := 0
			for _, s := range list {
				if (name == "said") == (s.name != "rollouts") {
					n = max(n, s.events)
				}
			}
			if n == 0 {
				continue
			}
			t.Run("undisturbed, "+name, func(t *testing.T) {
				t.Parallel()
				outcomes := undisturbed(t, steps, n)
				mu.Lock()
				defer mu.Unlock()
				references[name] = outcomes
			})
		}
		for _, s := range list {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				r := s.run(t)
				mu.Lock()
				defer mu.Unlock()
				results = append(results, r)
			})
		}
	})
	report(t, results, references)
}

// undisturbed is what one process leaves after each step.
func undisturbed(t *testing.T, steps script, n int) (outcomes []string) {
	t.Helper()
	f := newFleet(t, storetest.StartPostgres(t).Database(t), binaries.collector, 1, nil)
	for i := range n {
		began := time.Now()
		f.settle(steps(f, i))
		t.Logf("step %d took %s", i, time.Since(began).Round(time.Millisecond))
		outcomes = append(outcomes, f.outcome())
	}
	f.agree()
	return outcomes
}

// run lets the events happen to three replicas.
func (s scenario) run(t *testing.T) result {
	t.Helper()
	postgres := storetest.StartPostgres(t)
	proxy := postgres.Proxy(t)
	program := binaries.collector
	if s.shifted {
		program = binaries.shifted
	}
	f := newFleet(t, postgres.Database(t), program, 3, func(address string) string { return proxy.URL(t, address) })
	do, r := s.event(postgres, proxy), result{scenario: s}
	for n := range s.events {
		r.measures = append(r.measures, f.happen(s, do, n))
	}
	f.agree()
	r.outcome, r.doubled, r.interleaved = f.outcome(), f.doubled(), f.interleaved()
	return r
}

// report prints the tables, and fails the test for what was violated.
func report(t *testing.T, results []result, references map[string][]string) {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "\n%-32s %6s  %-30s %-9s\n", "FLEET OF THREE REPLICAS", "EVENTS", "COMPARED WITH ONE PROCESS",
		"VERDICT")
	verdict := func(bad bool) string {
		if bad {
			t.Fail()
			return "violated"
		}
		return "ok"
	}
	total := map[kind]*measure{}
	var kinds []kind
	for _, r := range results {
		name := "said"
		if r.name == "rollouts" {
			name = "rolled out"
		}
		if len(references[name]) < r.events {
			continue // it has failed
		}
		reference := references[name][r.events-1]
		fmt.Fprintf(&out, "%-32s %6d  %-30s %s\n", r.name, r.events, "transitions, counters, facts,", "")
		fmt.Fprintf(&out, "%-32s %6s  %-30s %s\n", "", "", "statuses, badges, incidents", verdict(reference != r.outcome))
		fmt.Fprintf(&out, "%-32s %6s  %-30s %s\n", "", "", "no source twice in a period", verdict(len(r.doubled) > 0))
		fmt.Fprintf(&out, "%-32s %6s  %-30s %s\n", "", "", "no two rounds store at once", verdict(len(r.interleaved) > 0))
		if reference != r.outcome {
			t.Logf("%s: what differs from one process:\n%s", r.name, differences(reference, r.outcome))
		}
		for _, line := range append(r.doubled, r.interleaved...) {
			t.Logf("%s: %s", r.name, line)
		}
		for _, m := range r.measures {
			sum := total[m.kind]
			if sum == nil {
				sum = &measure{kind: m.kind}
				total[m.kind] = sum
				kinds = append(kinds, m.kind)
			}
			sum.n++
			sum.longestJudging = max(sum.longestJudging, m.longestJudging)
			sum.longestRound = max(sum.longestRound, m.longestRound)
		}
	}
	fmt.Fprintf(&out, "\n%-36s %6s  %-26s %-26s\n", "LONGEST TIME BETWEEN TWO", "EVENTS", "JUDGEMENTS (bound)",
		"ROUNDS OF A SOURCE (bound)")
	for _, k := range kinds {
		m, lasts := total[k], k.lasts()
		cell := func(took, bound time.Duration) string {
			bound += lasts + busy
			text := "ok"
			if took > bound {
				text = "violated"
				if *kills > 0 {
					t.Fail()
				}
			}
			return fmt.Sprintf("%6.1f s (%5.1f s) %-8s", took.Seconds(), bound.Seconds(), text)
		}
		fmt.Fprintf(&out, "%-36s %6d  %s %s\n", k.name, m.n, cell(m.longestJudging, k.judging), cell(m.longestRound, k.rounds))
	}
	fmt.Println(out.String())
}

// lasts is how long the event itself lasts, in which nothing can be judged or collected.
func (k kind) lasts() time.Duration {
	if k == stoppedFast || k == stoppedHard {
		return away
	}
	return 0
}
