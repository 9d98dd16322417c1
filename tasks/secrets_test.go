package tasks_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/robfig/cron/v3"

	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/tasks"
)

const password = "hunter2-s3cret"

// lockedLog is a log that several goroutines write.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// refusing is a PostgreSQL server that asks for the password in plain text and refuses it.
func refusing(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	message := func(kind byte, body string) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...)
	}
	read := func(conn net.Conn, kind int) {
		head := make([]byte, kind+4)
		if _, err := io.ReadFull(conn, head); err == nil {
			_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[kind:]))-4)
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			read(conn, 0)
			_, _ = conn.Write(message('R', "\x00\x00\x00\x03"))
			read(conn, 1)
			_, _ = conn.Write(message('E', "SFATAL\x00VFATAL\x00C28P01\x00Mpassword authentication failed for user \"us\"\x00\x00"))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// TestAQueueThatCannotBeOpenedHidesThePassword, wherever it stands in the address.
func TestAQueueThatCannotBeOpenedHidesThePassword(t *testing.T) {
	refuses := refusing(t)
	for what, c := range map[string]struct{ address, want string }{
		"an unreachable server": {"postgres://us:" + password + "@127.0.0.1:1/db?sslmode=disable", "connect"},
		"a wrong password":      {"postgres://us:" + password + "@" + refuses + "/db?sslmode=disable", "28P01"},
		"a password as a parameter": {
			"postgres://" + refuses + "/db?user=us&sslmode=disable&password=" + password, "28P01"},
		"no such host": {"postgres://us:" + password + "@nowhere.invalid/db", "nowhere.invalid"},
		"a bad port":   {"postgres://us:" + password + "@127.0.0.1:port/db", "cannot be read"},
		"a bad escape": {"postgres://us:" + password + " %zz@127.0.0.1/db", "cannot be read"},
		"a bad mode":   {"postgres://us@127.0.0.1:1/db?sslmode=" + password, "cannot be read"},
		"a bad number": {"postgres://us@127.0.0.1:1/db?pool_max_conns=" + password, "cannot be read"},
	} {
		log := &lockedLog{}
		_, err := tasks.OpenShared(t.Context(), tasks.SharedOptions{
			URL: c.address, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err == nil {
			t.Fatalf("%s: it was opened", what)
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error()+log.String(), password) {
			t.Errorf("%s: %v\n%s", what, err, log)
		}
	}
}

// TestTheQueueHoldsNoSecret: its tables and its log have the names of tasks, and nothing
// of what the tasks work with or fail by.
func TestTheQueueHoldsNoSecret(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(storetest.StartPostgres(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(address.User.Username(), password)
	log := &lockedLog{}
	shared, err := tasks.OpenShared(t.Context(), tasks.SharedOptions{
		URL: address.String(), Now: time.Now, SoftStop: time.Second, StandsBy: func(context.Context) bool { return false },
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	ran := make(chan bool, 10)
	task := func(name string, run func(ctx context.Context)) tasks.Task {
		return tasks.Task{
			Name: name, Version: "v " + password, Subjects: "s " + password, Schedule: cron.Every(time.Hour), Timeout: time.Minute,
			Run: func(ctx context.Context) {
				ran <- true
				run(ctx)
			},
		}
	}
	all := []tasks.Task{
		task("works", func(context.Context) {}),
		task("panics", func(context.Context) { panic("with " + password) }),
		task("is cut off", func(ctx context.Context) { <-ctx.Done() }),
	}
	if err := shared.Start(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	late := time.After(time.Minute)
	for range all {
		select {
		case <-ran:
		case <-late:
			t.Fatalf("the tasks do not run\n%s", log)
		}
	}
	if err := shared.Keep(t.Context(), nil); err != nil {
		t.Error(err)
	}
	conn, err := pgx.Connect(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), `SELECT query_to_xml('TABLE ' || table_name, true, false, '')::text
		FROM information_schema.tables WHERE table_name LIKE 'river%'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	dump := strings.Join(tables, "\n")
	if strings.Contains(dump, password) {
		t.Errorf("the tables of the queue hold the secret:\n%s", dump)
	}
	for _, task := range all {
		if !strings.Contains(dump, task.Name) {
			t.Errorf("the tables do not hold the task %q, so that the test shows nothing:\n%s", task.Name, dump)
		}
	}
	// What a task panics with is not known to be free of secrets, and is logged.
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, password) && !strings.Contains(line, "a task panicked") {
			t.Errorf("the log has the secret: %s", line)
		}
	}
}
