package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"github.com/prodready/collector/internal/storetest"
)

// kind is a kind of event, with what docs/replicas.md promises for it.
type kind struct {
	name string
	// judging and rounds are the longest times between two judgements, and between two
	// rounds of a source, without the time that the event itself lasts.
	judging, rounds time.Duration
}

const (
	// pause is how long a replica is paused, away how long the database is.
	pause = 20 * time.Second
	away  = 4 * time.Second
	// busy is what a busy machine adds to each bound: all replicas and PostgreSQL share
	// one here.
	busy = 2 * time.Second
	// nextJudge is how long the others wait for one that judged last.
	nextJudge = interval + 4*time.Second
	// lockedFor is how long a paused replica can keep others from writing.
	lockedFor = 10 * time.Second
	// nextLeader is how long it takes until another replica says when tasks are due.
	nextLeader = 21 * time.Second
)

// The kinds of events.
var (
	judgeKilled   = kind{"killed: it judged last", nextJudge, 2 * period}
	leaderKilled  = kind{"killed: it led", nextJudge, period + nextLeader}
	workerKilled  = kind{"killed in the middle of a round", nextJudge, period + 90*time.Second + nextLeader}
	paused        = kind{"paused for 20 s", nextJudge + lockedFor, period + nextLeader}
	drained       = kind{"drained, rolling upgrade", nextJudge, period + 8*time.Second}
	stoppedFast   = kind{"database: fast stop, 4 s away", nextJudge + 2*time.Second, time.Minute}
	stoppedHard   = kind{"database: immediate stop, 4 s away", nextJudge + 2*time.Second, time.Minute}
	commitLost    = kind{"answer of a COMMIT lost", nextJudge, time.Minute}
	connectionCut = kind{"all connections cut", nextJudge, time.Minute}
	clockSet      = kind{"clock of one set, and set back", nextJudge, period + nextLeader}
)

// measure is what one event of a kind took.
type measure struct {
	kind
	n                            int
	longestJudging, longestRound time.Duration
}

// event does something to a fleet, and returns what it was.
type event func(f *fleet, n int) kind

// scenario is a fleet to which events happen.
type scenario struct {
	name    string
	events  int
	shifted bool
	// script is what the vendors, or the configurations, say at each step; nil is that
	// of the vendors.
	script script
	event  func(p *storetest.Postgres, proxy *storetest.Proxy) event
}

// kill kills who judged last, and every second time who leads.
func kill(f *fleet, n int) kind {
	judge, leader := f.last("judged"), f.last("led")
	name := judge
	if n%2 == 1 {
		name = leader
	}
	victim := f.named(name)
	f.end(victim, syscall.SIGKILL)
	switch {
	case f.orphans(f.now()) > 0:
		return workerKilled
	case victim.name == leader:
		return leaderKilled
	default:
		return judgeKilled
	}
}

// killCollecting kills a replica in the middle of a round that would last longer.
func killCollecting(f *fleet, _ int) kind {
	f.jira.Inject(slowly)
	defer f.jira.Heal()
	var victim *replica
	f.await("a replica collects", func() bool {
		for _, r := range f.replicas {
			if f.collects(r.name) > 0 {
				victim = r
			}
		}
		return victim != nil
	})
	f.end(victim, syscall.SIGKILL)
	return workerKilled
}

// freeze pauses who judged last, and every second time who leads.
func freeze(f *fleet, n int) kind {
	victim := f.named(f.last([]string{"judged", "led"}[n%2]))
	f.signal(victim, syscall.SIGSTOP)
	time.Sleep(pause)
	f.signal(victim, syscall.SIGCONT)
	return paused
}

// restart stops the database and starts it again.
func restart(p *storetest.Postgres) event {
	return func(f *fleet, n int) kind {
		how, k := syscall.SIGQUIT, stoppedHard
		if n%2 == 1 {
			how, k = syscall.SIGINT, stoppedFast
		}
		p.Stop(f, how)
		time.Sleep(away)
		p.Start(f)
		return k
	}
}

// cut loses answers to commits, and every second time all connections.
func cut(proxy *storetest.Proxy) event {
	return func(f *fleet, n int) kind {
		if n%2 == 1 {
			proxy.Cut()
			return connectionCut
		}
		proxy.LoseCommits(2)
		f.await("the answers of two commits are lost", func() bool { return proxy.Left() == 0 })
		return commitLost
	}
}

// upgrade replaces all replicas by ones with another configuration, one after the other,
// as a rollout does.
func upgrade(f *fleet, n int) kind {
	name := fmt.Sprintf("version%d.yaml", n)
	f.write(name, f.version(n))
	for _, old := range f.replicas {
		f.start(name)
		f.end(old, syscall.SIGTERM)
	}
	return drained
}

// setClock sets the clock of who leads, and every second time of who judged last, and
// sets it right once the replica has seen it.
func setClock(f *fleet, n int) kind {
	victim := f.named(f.last([]string{"led", "judged"}[n%2]))
	said := func(text string) func() bool {
		before := strings.Count(victim.log.String(), text)
		return func() bool { return strings.Count(victim.log.String(), text) > before }
	}
	doubts := said("this machine's clock is not that of the database")
	believes := said("this machine's clock is that of the database again")
	set := func(ahead time.Duration) {
		if _, err := fmt.Fprintln(victim.stdin, ahead); err != nil {
			f.Fatal(err)
		}
	}
	set([]time.Duration{3 * time.Hour, -3 * time.Hour, 3 * 365 * 24 * time.Hour, 20 * time.Second}[n%4])
	f.await("the replica doubts its clock", doubts)
	set(0)
	f.await("the replica believes its clock", believes)
	return clockSet
}

// happen does the event to the fleet, amid a step, and waits until everything goes on as
// before. It returns what was measured.
func (f *fleet) happen(s scenario, do event, n int) measure {
	f.Helper()
	w := s.script(f, n)
	time.Sleep(rand.N(period)) // at any moment of a round
	replicas, config := len(f.replicas), f.replicas[0].config
	from := f.now()
	k := do(f, n)
	until := f.now()
	m := measure{kind: k, n: 1}
	f.await(fmt.Sprintf("event %d, %s: it is judged and collected on", n, k.name), func() (known bool) {
		m.longestJudging, m.longestRound, known = f.gaps(from, until)
		return known
	})
	f.Logf("%s, event %d, %s: %.1f s between judgements, %.1f s between rounds", s.name, n, k.name,
		m.longestJudging.Seconds(), m.longestRound.Seconds())
	f.settle(w)
	for len(f.replicas) < replicas {
		f.start(config)
	}
	return m
}
