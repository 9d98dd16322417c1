package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// crashVariable makes the test binary a process that commits until it is
// killed; it holds the path of the store.
const crashVariable = "READINESS_TEST_CRASH_STORE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		if err := commitForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// crashServices is the number of rows in each commit.
const crashServices = 60

// commitForEver goes on from the stored cursor and prints each number after it
// was acknowledged.
func commitForEver(path string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{URL: path})
	if err != nil {
		return err
	}
	cursors, err := s.Cursors(ctx, "test/main")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(cursors["n"])
	for {
		n++
		batch := evidence.Batch{Cursors: map[string]string{"n": strconv.Itoa(n)}}
		for i := range crashServices {
			service := "service-" + strconv.Itoa(i)
			batch.Records = append(batch.Records, evidence.Record{Service: service, Fact: "a.count",
				Value: evidence.Int(int64(n))})
		}
		batch.Incidents = []evidence.Incident{{ID: strconv.Itoa(n), StartedAt: time.Unix(int64(n), 0)}}
		if _, err := s.Commit(ctx, "test/main", 0, time.Unix(int64(n), 0), batch); err != nil {
			return err
		}
		fmt.Println("committed", n)
		last, err := s.LastJudgement(ctx)
		if err != nil {
			return err
		}
		_, err = s.SaveJudgement(ctx, store.Judgement{At: time.Unix(int64(n), 0), After: last.Seq,
			Transitions: []scoring.Transition{{Service: "service-0", At: time.Unix(int64(n), 0), To: 1,
				Cause: scoring.CauseEvidence}}})
		if err != nil {
			return err
		}
		fmt.Println("judged", n)
	}
}

// TestKill kills a committing process again and again at moments it does not
// choose. What was acknowledged is there, nothing is there by halves, and the
// next process goes on.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "readiness.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		// The last line before the kill is anywhere in a commit or a judgement.
		committed, judged := runAndKill(t, self, path, 3+5*round)

		s, err := store.Open(context.Background(), store.Options{URL: path})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n := checkCrashed(t, s, committed, judged)
		t.Logf("round %d: acknowledged %d and %d, found %d", round, committed, judged, n)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runAndKill runs the process until it has printed some lines, kills it and
// returns the newest numbers it acknowledged.
func runAndKill(t *testing.T, self, path string, lines int) (committed, judged int) {
	t.Helper()
	child := exec.Command(self, "-test.run=^$")
	child.Env = append(os.Environ(), crashVariable+"="+path)
	var complaint strings.Builder
	child.Stderr = &complaint
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for i := 1; scanner.Scan(); i++ {
		var what string
		var n int
		if _, err := fmt.Sscan(scanner.Text(), &what, &n); err != nil {
			t.Fatalf("line %q: %v", scanner.Text(), err)
		}
		if what == "committed" {
			committed = n
		} else {
			judged = n
		}
		if i == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || complaint.Len() > 0 {
		t.Fatalf("the process ended by itself: %v %s", err, complaint.String())
	}
	return committed, judged
}

// checkCrashed checks a store after a kill and returns the last number in it.
func checkCrashed(t *testing.T, s *store.Store, committed, judged int) int {
	t.Helper()
	ctx := context.Background()
	cursors, err := s.Cursors(ctx, "test/main")
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(cursors["n"])
	if n < committed {
		t.Errorf("commit %d was acknowledged and only %d is there", committed, n)
	}
	found, err := s.LoadRecords(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Rows) != crashServices {
		t.Errorf("%d rows, want %d", len(found.Rows), crashServices)
	}
	for _, row := range found.Rows {
		if row.Value != evidence.Int(int64(n)) {
			t.Errorf("%s has %s while the cursor says %d: half a commit", row.Service, row.Value, n)
		}
	}
	incidents, err := s.Incidents(ctx, store.IncidentFilter{})
	if err != nil || len(incidents) != n {
		t.Errorf("%d incidents, %v, want %d", len(incidents), err, n)
	}
	transitions, _, err := s.LoadTransitions(ctx, 0, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.TransitionCounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var last int
	if len(transitions) > 0 {
		last = int(transitions[len(transitions)-1].At.Unix())
	}
	if last < judged {
		t.Errorf("judgement %d was acknowledged and only %d is there", judged, last)
	}
	if len(counts) != 1 || counts[0].Count != int64(len(transitions)) {
		t.Errorf("%d transitions are counted as %+v", len(transitions), counts)
	}
	return n
}
