package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
)

// emptyTemp makes the demo's folders appear in a place of the test's own.
func emptyTemp(t testing.TB) (left func() []string) {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	return func() []string {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
}

func TestOnceShowsTheFleet(t *testing.T) {
	race.Skip(t, "TestItServesUntilItIsStopped starts the same goroutines")
	left := emptyTemp(t)
	var out, trouble bytes.Buffer
	if code := run(
		t.Context(), []string{"--once"}, terminal{out: &out, err: &trouble, now: time.Now},
	); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, trouble.String())
	}
	lines := strings.Split(out.String(), "\n")
	for _, column := range []string{"SERVICE", "TEAM", "TIER", "BADGE", "SCORE", "COVERED", "GAP TO NEXT"} {
		if !strings.Contains(lines[0], column) {
			t.Errorf("the head %q has no column %s", lines[0], column)
		}
	}
	c, err := company.New(company.Plan{Seed: 1, Services: company.DefaultServices, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range c.Services {
		team := s.TeamName
		if s.Odd == company.Orphaned {
			team = "-"
		}
		row := regexp.MustCompile(`^` + s.Name + `\s+` + team + `\s+\d\s+\w+\s`)
		if !row.MatchString(lines[i+1]) {
			t.Errorf("row %d is %q, want %s of %s", i+1, lines[i+1], s.Name, team)
		}
	}
	if !strings.Contains(out.String(), "48 services: ") {
		t.Errorf("no summary in\n%s", out.String())
	}
	showsTheReadmesSample(t, lines)
	for _, said := range []string{"Simulating a company ...", "Collecting from PagerDuty", "requests"} {
		if !strings.Contains(trouble.String(), said) {
			t.Errorf("%q is not said:\n%s", said, trouble.String())
		}
	}
	if strings.Contains(out.String()+trouble.String(), "\x1b") {
		t.Error("control sequences went to something that is no terminal")
	}
	if names := left(); len(names) != 0 {
		t.Errorf("left behind: %q", names)
	}
}

// showsTheReadmesSample wants every line of the README's two samples in the output,
// however wide the columns are.
func showsTheReadmesSample(t *testing.T, lines []string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	narrow := func(line string) string { return strings.Join(strings.Fields(line), " ") }
	shown := map[string]bool{}
	for _, line := range lines {
		shown[narrow(line)] = true
	}
	samples := regexp.MustCompile(`(?m)^(?:SERVICE +TEAM .*\n(?:.+\n)+?|\d+ services: .*\n)(?:\x60{3})?`).FindAllString(
		string(readme), -1)
	if len(samples) != 2 {
		t.Fatalf("%d samples in the README", len(samples))
	}
	for line := range strings.Lines(strings.Join(samples, "")) {
		if line = narrow(line); line != "" && line != "```" && !shown[line] {
			t.Errorf("the demo does not show this line of the README: %s", line)
		}
	}
}

// collected is a demo after one full round, at the time of the clock.
func collected(t testing.TB, o options, now func() time.Time) *demo {
	t.Helper()
	race.Skip(t, "TestItServesUntilItIsStopped starts the same goroutines")
	emptyTemp(t)
	d := &demo{
		options:  o,
		terminal: terminal{out: io.Discard, err: io.Discard, now: now},
		log:      logger(io.Discard, false),
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.collector.CollectOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestAFullRound is about what the collector finds in the whole company.
func TestAFullRound(t *testing.T) {
	d := collected(t, options{seed: 11, services: company.DefaultServices, listen: "127.0.0.1:0"}, time.Now)
	t.Run("it sees what is practised", func(t *testing.T) { seesWhatIsPractised(t, d) })
	t.Run("alerts are those of the company", func(t *testing.T) { alertsAreThoseOfTheCompany(t, d) })
	t.Run("scorecards fit a screen", func(t *testing.T) { scorecardsFitAScreen(t, d) })
	t.Run("badges have a past", func(t *testing.T) { badgesHaveAPast(t, d) })
	t.Run("pages are whole", func(t *testing.T) { pagesAreWhole(t, d) })
	t.Run("the API answers as it says", func(t *testing.T) { theAPIAnswersAsItSays(t, d) })
	t.Run("the past can be judged", func(t *testing.T) { thePastCanBeJudged(t, d) }) // it ends the collector
}

// scorecardsFitAScreen wants the short form in 40 rows of 80 columns.
func scorecardsFitAScreen(t *testing.T, d *demo) {
	for _, s := range d.collector.Snapshot().Services {
		card, _ := report.NewScorecard(d.collector.Snapshot(), s.Entry.Name)
		var out strings.Builder
		if err := card.WriteText(&out, report.Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(out.String(), "\n"); lines > 40 {
			t.Errorf("%d lines\n%s", lines, out.String())
		}
	}
}

// seesWhatIsPractised is what the simulation is for: where evidence can tell,
// the verdict is what the service really does.
func seesWhatIsPractised(t *testing.T, d *demo) {
	claimed := map[string]bool{}
	for _, r := range d.company.Reviews {
		for _, claim := range r.Claims {
			claimed[r.Service+" "+claim.Check] = true
		}
	}
	grave := map[string]bool{}
	for _, in := range d.company.Incidents {
		grave[in.Service] = grave[in.Service] || in.Ticket != "" && d.company.Now.Sub(in.Start) < 180*24*time.Hour
	}
	if unmeasured := d.collector.Snapshot().NotMeasurable; len(unmeasured) > 0 {
		t.Errorf("checks that no source can decide: %v", unmeasured)
	}
	seen, contradicted := map[string]int{}, 0
	for _, found := range d.collector.Snapshot().Services {
		s, ok := d.company.Service(found.Entry.Name)
		if !ok {
			t.Fatalf("the collector has found the service %s", found.Entry.Name)
		}
		absent := s.Registration == company.NotInPagerDuty || s.Registration == company.DanglingID
		for _, r := range found.Card.Checks {
			if r.Status != scoring.Pass && r.Status != scoring.Fail && r.Status != scoring.Unknown {
				continue
			}
			if r.Status != scoring.Unknown {
				seen[r.Check.ID]++
			}
			if r.Contradicts {
				contradicted++
			}
			does := s.Does(r.Check.ID)
			switch {
			case r.Status == scoring.Unknown && (!does || absent):
				// No source observes the check for this service.
			case r.Status == scoring.Fail && absent && r.Check.Module.ID == "inc":
				// The service is not in PagerDuty, so nothing there can show the check.
			case r.Status == scoring.Pass && r.By == framework.ByAttested && claimed[s.Name+" "+r.Check.ID]:
				// Where no machine looks, a claim is believed.
			case r.Check.ID == "inc.postmortems" && r.Status == scoring.Pass && !grave[s.Name]:
				// There was nothing to write about.
			case r.Status == scoring.Unknown, does != (r.Status == scoring.Pass):
				t.Errorf("%s (tier %d, %s) does %s: %t, and it is %s", s.Name, s.Tier, s.Goal, r.Check.ID, does, r.Status)
			}
		}
	}
	checks, err := company.Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if seen[c.ID] == 0 {
			t.Errorf("%s has a definite verdict for no service", c.ID)
		}
	}
	if contradicted == 0 {
		t.Error("no machine contradicts a claim")
	}
}

// badgesHaveAPast: what the store is given before the start agrees with what the
// evidence proves, so that the first judgement changes nothing.
func badgesHaveAPast(t *testing.T, d *demo) {
	found := d.collector.Snapshot()
	badges := map[framework.Badge]int{}
	for i := range found.Services {
		service := &found.Services[i]
		s, _ := d.company.Service(service.Entry.Name)
		badges[service.Badge.Badge]++
		if service.Badge.Badge != s.Goal || service.Card.FreshBadge.Lower != s.Goal {
			t.Errorf(
				"%s holds %s and proves %s, and is good for %s", s.Name, service.Badge.Badge, service.Card.FreshBadge.Lower, s.Goal,
			)
		}
		if service.Badge.Hold != nil || len(service.Badge.Contradictions)+len(service.Badge.Awards) > 0 {
			t.Errorf("%s: clocks of its badge run: %+v", s.Name, service.Badge)
		}
		if at := service.Badge.LastTransition; at != nil && at.At.After(d.company.Now) {
			t.Errorf("%s has changed its badge just now: %+v", s.Name, at)
		}
		if age := found.At.Sub(service.Badge.FirstJudged); age < 100*24*time.Hour {
			t.Errorf("%s has been judged for %s", s.Name, age)
		}
	}
	for _, b := range framework.Badges() {
		if badges[b] == 0 {
			t.Errorf("no service holds %s: %v", b, badges)
		}
	}
	measured := 0
	for _, f := range found.BadgeFigures {
		if f.Incidents > 0 {
			measured++
		}
	}
	if measured < 4 {
		t.Errorf("incidents of %d badges are known: %+v", measured, found.BadgeFigures)
	}
}

// transcript is a writer that tells when something was said.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
	want string
	said chan struct{}
	once sync.Once
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if w.said != nil && strings.Contains(w.text.String(), w.want) {
		w.once.Do(func() { close(w.said) })
	}
	return len(p), nil
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestItServesUntilItIsStopped(t *testing.T) {
	left := emptyTemp(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &transcript{want: "Stop it with Ctrl-C.\n", said: make(chan struct{})}
	var trouble transcript
	ended := make(chan int, 1)
	go func() {
		ended <- run(
			ctx, []string{"--listen", "127.0.0.1:0", "--services", "6"}, terminal{out: out, err: &trouble, now: time.Now},
		)
	}()
	select {
	case <-out.said:
	case code := <-ended:
		t.Fatalf("it ended with %d\n%s", code, trouble.String())
	}
	found := regexp.MustCompile(`http://\S+/metrics`).FindString(out.String())
	response, err := http.Get(found)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "\nreadiness_") {
		t.Errorf("%s answers %s, %v", found, response.Status, err)
	}
	tryCommands(t, out.String())
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("stopped with exit code %d\n%s", code, trouble.String())
	}
	if names := left(); len(names) != 0 {
		t.Errorf("left behind: %q", names)
	}
}

// tryCommands runs what the demo says to copy, up to the daemon, with the collector as it
// is built.
func tryCommands(t *testing.T, said string) {
	t.Helper()
	block := regexp.MustCompile(`(?s)\n(  export .*?)\n\n`).FindStringSubmatch(said)
	if block == nil {
		t.Fatalf("there are no commands to copy\n%s", said)
	}
	for line := range strings.Lines(block[1]) {
		if len(line) > 81 {
			t.Errorf("longer than 80 columns: %s", line)
		}
	}
	folder := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(folder, "bin", "collector"),
		"./cmd/collector")
	build.Dir = ".."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	try := exec.CommandContext(t.Context(), "sh", "-ec", block[1])
	try.Dir = folder
	output, err := try.CombinedOutput()
	if err != nil || !regexp.MustCompile(`(?s)try\.yaml: [1-9] services.*SERVICE +TEAM`).Match(output) {
		t.Errorf("%s\n%v\n%s", block[1], err, output)
	}
	if _, err := os.Stat(filepath.Join(folder, "try.db")); err != nil {
		t.Error(err)
	}
}

func TestTheCommandLine(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		say  string
	}{
		"help":                {[]string{"--help"}, exitOK, "Exit codes"},
		"an unknown flag":     {[]string{"--sed", "3"}, exitInvalid, "--help"},
		"an argument":         {[]string{"once"}, exitInvalid, `unexpected argument "once"`},
		"too many services":   {[]string{"--services", "100000"}, exitInvalid, "out of range"},
		"no address":          {[]string{"--listen", "9847"}, exitInvalid, "127.0.0.1:9847"},
		"an impossible port":  {[]string{"--listen", "127.0.0.1:99999"}, exitInvalid, "not an address"},
		"a foreign interface": {[]string{"--listen", "192.0.2.1:9847", "--services", "1"}, exitInvalid, "--listen"},
	} {
		t.Run(name, func(t *testing.T) {
			left := emptyTemp(t)
			var out bytes.Buffer
			if code := run(t.Context(), c.args, terminal{out: &out, err: &out, now: time.Now}); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(out.String(), c.say) {
				t.Errorf("%q is not said:\n%s", c.say, out.String())
			}
			if names := left(); len(names) != 0 {
				t.Errorf("left behind: %q", names)
			}
		})
	}
}

// TestHelp: the help is read whole when it changes.
func TestHelp(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "help.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, terminal{out: &out, err: &out, now: time.Now}); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if out.String() != string(want) {
		t.Errorf("the help is\n%s\nIf it is right: go -C demo run . --help > demo/testdata/help.txt", out.String())
	}
}

func TestOnceThatIsStoppedFails(t *testing.T) {
	left := emptyTemp(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, trouble bytes.Buffer
	if code := run(
		ctx, []string{"--once", "--services", "2"}, terminal{out: &out, err: &trouble, now: time.Now},
	); code != exitFailed {
		t.Errorf("exit code %d, want %d\n%s", code, exitFailed, trouble.String())
	}
	if out.Len() > 0 || len(left()) != 0 {
		t.Errorf("%q is left, and printed was\n%s", left(), out.String())
	}
}

func TestKeepLeavesTheFolder(t *testing.T) {
	race.Skip(t, "TestItServesUntilItIsStopped starts the same goroutines")
	left := emptyTemp(t)
	var out, trouble bytes.Buffer
	if code := run(
		t.Context(), []string{"--once", "--keep", "--services", "2"}, terminal{out: &out, err: &trouble, now: time.Now},
	); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, trouble.String())
	}
	names := left()
	if len(names) != 1 || !strings.Contains(out.String(), names[0]) {
		t.Errorf("%q is left, and said was\n%s", names, out.String())
	}
}
