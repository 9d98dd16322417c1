package chaos_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// interval is that of the evaluation, period that of all sources, timeout that of
	// their rounds.
	interval = 2 * time.Second
	period   = 3 * time.Second
	timeout  = 10 * time.Second
	// patience is how long anything may take.
	patience = 3 * time.Minute
)

// fleet are the replicas that share a database, with the vendors that they ask.
type fleet struct {
	*testing.T
	*vendors
	*audit
	folder string
	url    string
	// program is the binary of a replica.
	program  string
	replicas []*replica
	started  int
}

// replica is a running process.
type replica struct {
	name   string
	config string
	cmd    *exec.Cmd
	stdin  io.Writer
	log    *locked
	ended  chan struct{}
}

// locked is written by a process and read by the test.
type locked struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// newFleet makes a database that has seen one round of everything, and starts so many
// replicas on it. through changes the address that the replicas have, and may be nil.
func newFleet(t *testing.T, database, program string, replicas int, through func(string) string) *fleet {
	t.Helper()
	f := &fleet{T: t, vendors: newVendors(t), folder: t.TempDir(), url: database, program: program}
	for name, text := range map[string]string{
		"facts.yaml": factsFile, "framework.yaml": frameworkFile,
		"pagerduty.token": pagerDutyToken + "\n", "jira.token": jiraToken + "\n",
		"collector.yaml": f.configuration(period, 2),
	} {
		f.write(name, text)
	}
	first := f.command("first", binaries.collector, "collect", "--once", "--config", "collector.yaml")
	if out, err := first.CombinedOutput(); err != nil {
		t.Fatalf("the first round: %v\n%s", err, out)
	}
	f.audit = newAudit(t, database)
	if through != nil {
		f.url = through(database)
	}
	for range replicas {
		f.start("collector.yaml")
	}
	f.installQueue()
	f.await("each source is asked and somebody leads", func() bool { return f.noted() == 3 && f.last("led") != "" })
	f.settle(want{service: "alpha", badge: gold, incidents: 2 * base})
	return f
}

func (f *fleet) write(name, text string) {
	f.Helper()
	if err := os.WriteFile(filepath.Join(f.folder, name), []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
}

// command is a process whose sessions in the database have its name.
func (f *fleet) command(name, program string, args ...string) *exec.Cmd {
	address, err := url.Parse(f.url)
	if err != nil {
		f.Fatal(err)
	}
	query := address.Query()
	query.Set("application_name", name)
	address.RawQuery = query.Encode()
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Dir = f.folder
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "READINESS__STORE__URL="+address.String())
	return cmd
}

// start starts a replica and waits until it serves.
func (f *fleet) start(config string) *replica {
	f.Helper()
	f.started++
	r := &replica{name: fmt.Sprintf("r%d", f.started), config: config, log: &locked{}, ended: make(chan struct{})}
	args := []string{"run", "--config", config}
	if f.program != binaries.collector {
		args = args[1:]
	}
	r.cmd = f.command(r.name, f.program, args...)
	r.cmd.Stderr = r.log
	var err error
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		f.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		f.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	f.Cleanup(func() {
		_ = r.cmd.Process.Signal(syscall.SIGCONT)
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	f.replicas = append(f.replicas, r)
	f.await(r.name+" serves", func() bool { return r.address() != "" })
	return r
}

var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

// address is where a replica serves, empty before it does.
func (r *replica) address() string {
	if found := serving.FindStringSubmatch(r.log.String()); found != nil {
		return "http://" + found[1]
	}
	return ""
}

// page is what a replica says about the services.
func (r *replica) page(ctx context.Context) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.address()+"/metrics", nil)
	if err != nil {
		return err.Error()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	var page bytes.Buffer
	if _, err := page.ReadFrom(response.Body); err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(page.String()) {
		if strings.HasPrefix(line, "readiness_") && !strings.HasPrefix(line, "readiness_collector_") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// end sends a replica a signal that ends it, and waits for that.
func (f *fleet) end(r *replica, how syscall.Signal) {
	f.Helper()
	f.signal(r, how)
	select {
	case <-r.ended:
	case <-time.After(patience):
		f.Fatalf("%s does not end by %s\n%s", r.name, how, r.log)
	}
	for i := range f.replicas {
		if f.replicas[i] == r {
			f.replicas = append(f.replicas[:i:i], f.replicas[i+1:]...)
			break
		}
	}
	f.blameless(r)
}

func (f *fleet) signal(r *replica, what syscall.Signal) {
	f.Helper()
	if err := r.cmd.Process.Signal(what); err != nil {
		f.Fatalf("%s gets no %s: %v\n%s", r.name, what, err, r.log)
	}
}

// blameless fails the test if a replica has found a fault of the program.
func (f *fleet) blameless(r *replica) {
	f.Helper()
	for _, bad := range []string{"fault of this program", "panic", "DATA RACE"} {
		if strings.Contains(r.log.String(), bad) {
			f.Errorf("%s has a fault:\n%s", r.name, r.log)
		}
	}
}

// named is the replica with a name, the first one if none has it.
func (f *fleet) named(name string) *replica {
	for _, r := range f.replicas {
		if r.name == name {
			return r
		}
	}
	return f.replicas[0]
}

// await waits until something is true. The program has the real clock, which the test
// cannot advance.
func (f *fleet) await(what string, is func() bool) {
	f.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, r := range f.replicas {
				f.Logf("%s\n%s", r.name, r.log)
			}
			f.Fatalf("%s: not within %s\n%s", what, patience, f.state())
		}
	}
}

// settle waits until a step has been collected and judged.
func (f *fleet) settle(w want) {
	f.Helper()
	f.await(fmt.Sprintf("step %+v is judged", w), func() bool { return f.reached(f.Context(), w) })
}

// agree waits until all replicas show the same page.
func (f *fleet) agree() {
	f.Helper()
	f.await("all replicas show the same page", func() bool {
		page := f.replicas[0].page(f.Context())
		for _, r := range f.replicas[1:] {
			if r.page(f.Context()) != page {
				return false
			}
		}
		return strings.Contains(page, "readiness_badge_level{")
	})
	for _, r := range f.replicas {
		f.blameless(r)
	}
}

// open opens a database for looking at it.
func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
