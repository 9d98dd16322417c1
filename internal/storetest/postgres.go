package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	// The driver of sql.Open("pgx").
	_ "github.com/jackc/pgx/v5/stdlib"
)

// PostgresVariable names the environment variable with the address of a running
// server to use: a database in which the user may create others, and users.
const PostgresVariable = "READINESS_TEST_POSTGRES"

// Postgres is a PostgreSQL server for tests.
type Postgres struct {
	address url.URL
	made    atomic.Int64
	// command makes a process of the server, and server is the one that runs. Both are
	// nil for a server that was there before the test.
	command func() *exec.Cmd
	server  *exec.Cmd
}

// StartPostgres starts a throw-away server from installed binaries, or uses the
// one of PostgresVariable, and stops it with the test. Where there is none the
// test is skipped; in continuous integration (CI is set) it fails.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	if given := os.Getenv(PostgresVariable); given != "" {
		address, err := url.Parse(given)
		if err != nil {
			t.Fatalf("%s is not a URL", PostgresVariable)
		}
		return &Postgres{address: *address}
	}
	bin, err := postgresBinaries()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("NOT TESTED ON POSTGRESQL: %v", err)
	}
	return startServer(t, bin)
}

// postgresBinaries finds the folder of initdb and postgres, the newest of
// several.
func postgresBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), "postgres")); err == nil {
				return filepath.Dir(path), nil
			}
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin"} {
		found, _ := filepath.Glob(pattern)
		sort.Strings(found)
		for _, f := range slices.Backward(found) {
			if _, err := os.Stat(filepath.Join(f, "initdb")); err == nil {
				return f, nil
			}
		}
	}
	return "", fmt.Errorf("no initdb found: install the package postgresql, or set %s", PostgresVariable)
}

// startServer makes a cluster in a folder of its own and serves it on a Unix
// socket there.
func startServer(t testing.TB, bin string) *Postgres {
	t.Helper()
	// Not t.TempDir: the server's user must be able to enter it, and a socket's
	// path must be short.
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // as the comment says
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing the server's folder: %v", err)
		}
	})
	as := serverUser(t, dir)
	data := filepath.Join(dir, "data")
	initdb := as(exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "readiness", "-A", "trust", "-E", "UTF8",
		"--no-sync"))
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Errorf("closing the server's log: %v", err)
		}
	})
	p := &Postgres{
		address: url.URL{Scheme: "postgres", User: url.User("readiness"), Path: "/postgres",
			RawQuery: url.Values{"host": {dir}}.Encode()},
		command: func() *exec.Cmd {
			server := as(exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=",
				"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100"))
			server.Stdout, server.Stderr = log, log
			return server
		},
	}
	p.Start(t)
	t.Cleanup(func() {
		if p.server != nil {
			p.Stop(t, os.Interrupt)
		}
	})
	return p
}

// Start starts the server after Stop, and waits until it answers.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	server := p.command()
	if err := server.Start(); err != nil {
		t.Fatalf("starting postgres: %v", err)
	}
	p.server = server
	if err := p.wait(); err != nil {
		t.Fatalf("postgres did not start: %v\n%s", err, p.log())
	}
}

// log is what the server has written.
func (p *Postgres) log() string {
	log, ok := p.server.Stderr.(*os.File)
	if !ok {
		return ""
	}
	text, _ := os.ReadFile(log.Name())
	return string(text)
}

// Stop stops the server and waits for its end: os.Interrupt is a fast shutdown, which
// ends the connections, and SIGQUIT an immediate one, as when it crashes. The test is
// skipped for a server that was there before it.
func (p *Postgres) Stop(t testing.TB, how os.Signal) {
	t.Helper()
	if p.command == nil {
		t.Skipf("the server of %s is not stopped by a test", PostgresVariable)
	}
	if err := p.server.Process.Signal(how); err != nil {
		t.Errorf("stopping postgres: %v", err)
	}
	_ = p.server.Wait()
	p.server = nil
}

// wait tries to connect until the server answers.
func (p *Postgres) wait() error {
	db, err := sql.Open("pgx", p.address.String())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return db.Close()
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, db.Close())
		case <-tick.C:
		}
	}
}

// Database makes an empty database and returns its URL.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", p.address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	name := "readiness_test_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(p.made.Add(1), 10)
	if _, err := db.ExecContext(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	address := p.address
	address.Path = "/" + name
	return address.String()
}

// Limited makes an empty database and returns its URL for a user who may make tables in
// it, and no temporary ones.
func (p *Postgres) Limited(t testing.TB) string {
	t.Helper()
	address, err := url.Parse(p.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", address.String())
	if err != nil {
		t.Fatal(err)
	}
	name := address.Path[1:]
	execute := func(statements ...string) {
		for _, statement := range statements {
			if _, err := db.ExecContext(context.Background(), statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	t.Cleanup(func() {
		execute(`DROP OWNED BY `+name, `DROP ROLE `+name)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	execute(`CREATE ROLE `+name+` LOGIN PASSWORD 'limited'`, `REVOKE TEMPORARY ON DATABASE `+name+` FROM PUBLIC`,
		`GRANT USAGE, CREATE ON SCHEMA public TO `+name)
	address.User = url.UserPassword(name, "limited")
	return address.String()
}

// unprivileged is a user that the server may run as: it refuses root.
func unprivileged() (*user.User, error) {
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			return found, nil
		}
	}
	return nil, errors.New("neither postgres nor nobody is a user of this system")
}
