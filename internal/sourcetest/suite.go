package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/store"
)

// attempts is how often the chain under a source sends a request at most.
const attempts = 2

// The words of this package:
//   - a world is one upstream, one store and one source, made for one case;
//   - play runs a round that must succeed, without any fault;
//   - a disturbance injects a fault into the last round of a phase;
//   - Heal ends the fault, and the rounds after it must lose nothing.

// Run runs every case of the contract.
func Run(t *testing.T, subject Subject) {
	t.Helper()
	s, err := newSuite(t.Context(), subject, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if faults := runAlone(s.healthyCase()); len(faults) > 0 {
		t.Fatalf("it fails without any fault, so nothing else is tried:\n%s", strings.Join(faults, "\n"))
	}
	s.runAll(t, s.cases())
}

// RunLarge runs the cases of the subject's large data sets, and no others.
func RunLarge(t *testing.T, subject Subject) {
	t.Helper()
	race.Skip(t, "large data sets run the same code paths as small ones")
	s, err := newSuite(t.Context(), subject, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var list []testCase
	for _, large := range s.Large {
		list = append(list, s.large(large)...)
	}
	s.runAll(t, list)
}

// sample picks cases so that each code path of a source is run once.
func sample(cases []testCase) []testCase {
	var list []testCase
	shown := map[string]bool{}
	for _, c := range cases {
		if slices.ContainsFunc(c.shows, func(path string) bool { return !shown[path] }) {
			list = append(list, c)
		}
		for _, path := range c.shows {
			shown[path] = true
		}
	}
	return list
}

func (s *suite) runAll(t *testing.T, cases []testCase) {
	t.Helper()
	// A case needs little memory, and the default collects it many times a second.
	percent := debug.SetGCPercent(400)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	if race.Sampled() {
		cases = sample(cases)
	}
	for prefix := range s.Impossible {
		if !race.Sampled() && !slices.ContainsFunc(cases, func(c testCase) bool {
			return strings.HasPrefix(c.name, prefix)
		}) {
			t.Errorf("Impossible[%q] matches no case: remove it", prefix)
		}
	}
	// Cases run beside each other, so that only all of them together can be held to
	// leave no goroutine. The stacks say whose they are.
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(running); err != nil {
			t.Errorf("goroutines are left: %v", err)
		}
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for prefix, reason := range s.Impossible {
				if strings.HasPrefix(c.name, prefix) {
					t.Skip(reason)
				}
			}
			t.Parallel()
			for _, fault := range c.faults() {
				t.Error(fault)
			}
		})
	}
}

// suite is a subject with what its cases share.
type suite struct {
	Subject
	folder string
	// blank is a store without any content, since making its schema takes long.
	blank []byte
	// references are the runs without any fault, by their steps.
	references map[string]func() (*reference, error)
	mu         sync.Mutex // guards references: cases run beside each other
}

func newSuite(ctx context.Context, subject Subject, folder string) (*suite, error) {
	s := &suite{Subject: subject, folder: folder, references: map[string]func() (*reference, error){}}
	file := filepath.Join(folder, "blank.db")
	made, err := store.Open(ctx, store.Options{URL: file})
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	s.blank, err = os.ReadFile(file)
	return s, err
}

// template names a request as Form.Call does, and leaves its body as it is.
func (s *suite) template(r *http.Request) string {
	if s.Form.Call == nil {
		return r.Method + " " + r.URL.Path
	}
	copied := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return ""
		}
		copied.Body = body
	}
	return s.Form.Call(copied)
}

// testCase is one case of the contract.
type testCase struct {
	name string
	// shows are the code paths of a source that the case runs. A sample has one
	// case of each.
	shows []string
	run   func(*check) error
}

// check collects what a case finds. It is safe for concurrent use.
type check struct {
	mu     sync.Mutex
	faults []string
}

func (c *check) errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const most = 12
	if len(c.faults) < most {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
}

func (c *check) all(what string, faults []string) {
	for _, f := range faults {
		c.errorf("%s: %s", what, f)
	}
}

func (c *check) unknownRequest(what string) {
	c.errorf("a request that the vendor does not know: %s", what)
}

// faults runs the case and returns what it found wrong.
func (c testCase) faults() []string {
	k := &check{}
	if err := c.run(k); err != nil {
		k.errorf("%v", err)
	}
	return k.faults
}

// runAlone runs a case while no other runs, and returns what it found wrong.
// Goroutines that the case has started and not ended are a fault, too.
func runAlone(c testCase) []string {
	running := goleak.IgnoreCurrent()
	faults := c.faults()
	if err := goleak.Find(running); err != nil {
		faults = append(faults, fmt.Sprintf("goroutines are left: %v", err))
	}
	return faults
}

// step is one round of a story: when it takes place, and what there is then.
type step struct {
	at   time.Duration
	data Data
}

// reference is what a run that never fails has in the end.
type reference struct {
	state *state
	last  *round
}

// runWithoutFaults plays steps without any fault, or returns the earlier run of them.
func (s *suite) runWithoutFaults(steps ...step) (*reference, error) {
	name := fmt.Sprint(steps)
	s.mu.Lock()
	known := s.references[name]
	if known == nil {
		known = sync.OnceValues(func() (*reference, error) { return s.playReference(steps) })
		s.references[name] = known
	}
	s.mu.Unlock()
	return known()
}

// playReference plays steps of which every round must succeed.
func (s *suite) playReference(steps []step) (*reference, error) {
	c := &check{}
	w, err := s.newWorld(c, steps[0].data, 0)
	if err != nil {
		return nil, err
	}
	defer w.close()
	ref := &reference{}
	for _, st := range steps {
		if ref.last, err = w.play(st); err != nil {
			return nil, fmt.Errorf("without any fault: %w", err)
		}
	}
	if ref.state, err = w.state(); err != nil {
		return nil, err
	}
	if len(c.faults) > 0 {
		return nil, errors.New("without any fault: " + strings.Join(c.faults, "\n"))
	}
	return ref, nil
}

// healthy are the states that a run may have after the steps: that of one that
// never failed, and that of one that begins with the last step.
func (s *suite) healthy(steps []step) ([]*state, error) {
	all, err := s.runWithoutFaults(steps...)
	if err != nil {
		return nil, err
	}
	fresh, err := s.runWithoutFaults(steps[len(steps)-1])
	if err != nil {
		return nil, err
	}
	return []*state{all.state, fresh.state}, nil
}

// play runs one round that must succeed.
func (w *world) play(st step) (*round, error) {
	w.at(st.at)
	w.serve(st.data)
	r, err := w.collect(context.Background(), -1)
	if err == nil && r.err != nil {
		err = fmt.Errorf("the round at %s with the data %s: %w", st.at, st.data, r.err)
	}
	return r, err
}

// callErrors lists the errors of a round. ok is false when one of them does not
// say which call failed and why.
func callErrors(err error) (list []*collectors.CallError, ok bool) {
	switch e := err.(type) { //nolint:errorlint // the tree itself is walked
	case nil:
		return nil, true
	case *collectors.CallError:
		return []*collectors.CallError{e}, true
	case interface{ Unwrap() []error }:
		ok = true
		for _, part := range e.Unwrap() {
			more, good := callErrors(part)
			list, ok = append(list, more...), ok && good
		}
		return list, ok
	}
	if _, ok := errors.AsType[*collectors.CallError](err); ok {
		return callErrors(errors.Unwrap(err))
	}
	return nil, false
}

// healthyCase checks that the subject is sound: it succeeds without a fault and
// makes all calls that it names.
func (s *suite) healthyCase() testCase {
	return testCase{"healthy", nil, func(c *check) error {
		known := map[string]bool{}
		for _, call := range s.Calls {
			known[call.Name] = true
		}
		made := map[string]bool{}
		for _, p := range phases() {
			ref, err := s.runWithoutFaults(p.steps...)
			if err != nil {
				return err
			}
			for call := range ref.last.calls {
				made[call] = true
				if !known[call] {
					c.errorf("the source makes a call that the subject does not name: %s", call)
				}
			}
			if len(ref.state.records) == 0 || len(ref.last.covered) == 0 {
				c.errorf("nothing is observed in a %s round", p.name)
			}
		}
		for call := range known {
			if !made[call] {
				c.errorf("no healthy round makes the call %s", call)
			}
		}
		return nil
	}}
}

// phase is a round that something may go wrong in.
type phase struct {
	name string
	// steps end with that round.
	steps []step
}

func phases() []phase {
	return []phase{
		{"first", []step{{0, Normal}}},
		{"later", []step{{0, Normal}, {Later, Changed}}},
		{"much later", []step{{0, Normal}, {MuchLater, Changed}}},
	}
}

// last is the round that something goes wrong in, after the ones before.
func (p phase) last() step { return p.steps[len(p.steps)-1] }

// disturbance is a phase in whose last round something goes wrong.
type disturbance struct {
	world *world
	phase phase
	// before is the state before the last round, and healthy are those that are
	// right after it.
	before  *state
	healthy []*state
	// wait is the time until the next round.
	wait time.Duration
}

// disturbed plays a phase up to its last round, lets play disturb that one, and
// checks that nothing is lost once the upstream answers again.
func (s *suite) disturbed(c *check, p phase, play func(*disturbance) error) error {
	healthy, err := s.healthy(p.steps)
	if err != nil {
		return err
	}
	w, err := s.newWorld(c, p.steps[0].data, 0)
	if err != nil {
		return err
	}
	defer w.close()
	for _, st := range p.steps[:len(p.steps)-1] {
		if _, err := w.play(st); err != nil {
			return err
		}
	}
	before, err := w.state()
	if err != nil {
		return err
	}
	w.at(p.last().at)
	w.serve(p.last().data)
	d := &disturbance{world: w, phase: p, before: before, healthy: healthy, wait: Later}
	if err := play(d); err != nil {
		return err
	}
	return w.recovers(p, d.wait)
}

// collect runs the last round, ends the faults of the upstream and returns the
// state after it.
func (d *disturbance) collect(ctx context.Context, refuse int) (*round, *state, error) {
	r, err := d.world.collect(ctx, refuse)
	if err != nil {
		return nil, nil, err
	}
	d.world.upstream.Heal()
	now, err := d.world.state()
	return r, now, err
}

// checkAfterFailure checks a round that has failed: there is no record without an
// answer, and groups that did not answer are not covered.
func (d *disturbance) checkAfterFailure(r *round, now *state) {
	d.world.check.all("invented", now.invented(d.before, d.healthy...))
	d.world.check.all("age", now.wronglyCovered(r, d.before, d.healthy...))
}

// recovers checks that nothing is lost once the upstream answers again, some
// time after the phase; after a first round, also when everything is listed
// anew.
func (w *world) recovers(p phase, after time.Duration) error {
	steps, waits := p.steps, []time.Duration{after, after + MuchLater}
	if len(p.steps) > 1 {
		waits = waits[:1]
	}
	for _, wait := range waits {
		next := step{p.last().at + wait, p.last().data}
		steps = append(append([]step(nil), steps...), next)
		if _, err := w.play(next); err != nil {
			return fmt.Errorf("once the upstream answers again: %w", err)
		}
		healthy, err := w.suite.healthy(steps)
		if err != nil {
			return err
		}
		now, err := w.state()
		if err != nil {
			return err
		}
		w.check.all(fmt.Sprintf("%s after it is over", wait), now.differences(nil, healthy...))
	}
	return nil
}
