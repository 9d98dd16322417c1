package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// growing are the tables that grow with the services or with time.
var growing = regexp.MustCompile(`^(fact_values|fact_history|fact_days|check_statuses|check_status_history|badges|` +
	`badge_support|voids|incidents|incident_services|reviews|runs|alert_firings|log_entries|transitions)\b`)

// TestFollowingReadsNoWholeTable asks what a process asks each second, and for each
// evaluation, and looks how the database finds the rows.
func TestFollowingReadsNoWholeTable(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		testFollowing(t, filepath.Join(t.TempDir(), "readiness.db"), sqlitePlans)
	})
	t.Run("postgresql", func(t *testing.T) {
		testFollowing(t, storetest.StartPostgres(t).Database(t), postgresPlans)
	})
}

// testFollowing gets from plans the growing tables that a connection's statements read
// as a whole, by statement.
func testFollowing(t *testing.T, url string, plans func(*testing.T, *sql.Conn) map[string][]string) {
	ctx := t.Context()
	s, err := store.Open(ctx, store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var last int64
	judge := func(badge framework.Badge) {
		t.Helper()
		at := time.Unix(int64(badge), 0)
		last, err = s.SaveJudgement(ctx, store.Judgement{After: last, At: at,
			Badges:   map[string]scoring.BadgeState{"shop": {Badge: badge, At: at}},
			Statuses: []store.CheckStatus{{Service: "shop", Check: "c1", Status: scoring.Status(badge)}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	judge(framework.Bronze)
	if _, err := s.StartRun(ctx, "test/main", "1", time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	follower, err := store.OpenReadOnly(ctx, store.Options{URL: url, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Close()
	state, err := follower.LoadState(ctx, store.State{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	look := func() map[string][]string {
		conn, err := store.Reading(follower).Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return plans(t, conn)
	}
	before := look()
	if len(before) == 0 {
		t.Error("the first load reads no table as a whole")
	}
	judge(framework.Silver)
	for name, ask := range map[string]func() error{
		"the last judgement": func() error {
			_, err := follower.LastJudgement(ctx)
			return err
		},
		"what it has changed": func() error {
			next, err := follower.LoadState(ctx, state, nil)
			if err == nil && next.Badges["shop"].Badge != framework.Silver {
				t.Errorf("shop is %s", next.Badges["shop"].Badge)
			}
			return err
		},
		"the newest transaction": func() error {
			_, err := follower.Sequence(ctx)
			return err
		},
		"when incidents changed": func() error {
			_, err := follower.HistorySequence(ctx)
			return err
		},
		"when alerts changed": func() error {
			_, err := follower.AlertSequence(ctx)
			return err
		},
		"changed records": func() error {
			_, err := follower.EachRecord(ctx, 1, func(store.Row) {})
			return err
		},
		"changed incidents": func() error {
			_, err := follower.Incidents(ctx, store.IncidentFilter{After: 1, Gone: true})
			return err
		},
		"changed reviews": func() error {
			_, err := follower.ReviewsAfter(ctx, 1)
			return err
		},
		"the last rounds": func() error {
			_, err := follower.LastRuns(ctx)
			return err
		},
		"the last round": func() error {
			_, err := follower.LastRound(ctx, "test/main", "1")
			return err
		},
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for statement, whole := range look() {
		if _, known := before[statement]; !known {
			t.Errorf("%s reads all of %s", statement, strings.Join(whole, ", "))
		}
	}
}

// TestAYoungStoreSumsNoDays: while a store is younger than the window of a fact that it
// observes once a day, a new day reads no other days.
func TestAYoungStoreSumsNoDays(t *testing.T) {
	ctx := t.Context()
	facts, err := evidence.NewFacts([]evidence.Definition{{
		Name: "a.exposed", Kind: evidence.KindDouble, Unit: "ratio", Help: "x", Merge: evidence.MergeMax, Remember: evidence.RememberMean,
		Window: 20 * 24 * time.Hour,
	}})
	if err != nil {
		t.Fatal(err)
	}
	o := store.Options{URL: filepath.Join(t.TempDir(), "readiness.db"), Facts: facts}
	s, err := store.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	// The statements that made the tables would push others out of those that are kept.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sums := func() (n int) {
		conn, err := store.Writing(s).Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		err = conn.Raw(func(driverConn any) error {
			for _, statement := range store.KeptStatements(driverConn) {
				n += strings.Count(statement, "SUM(")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	share, _ := evidence.Double(0)
	for day := range 20 {
		if n := sums(); n != 0 {
			t.Fatalf("after %d days all days are summed", day)
		}
		at := time.Date(2026, 3, 1+day, 12, 0, 0, 0, time.UTC)
		_, err := s.Commit(ctx, "a/main", 0, at, evidence.Batch{Records: []evidence.Record{{
			Service: "shop", Fact: "a.exposed", Source: "a/main", Value: share,
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if sums() == 0 {
		t.Error("a store as old as the window has no mean")
	}
}

func sqlitePlans(t *testing.T, conn *sql.Conn) map[string][]string {
	t.Helper()
	var asked []string
	err := conn.Raw(func(driverConn any) error {
		asked = store.KeptStatements(driverConn)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	plans := map[string][]string{}
	for _, statement := range asked {
		if !strings.HasPrefix(statement, "SELECT") {
			continue
		}
		for _, row := range query(t, conn, `EXPLAIN QUERY PLAN `+strings.ReplaceAll(statement, "?", "0"), 4) {
			if table, whole := strings.CutPrefix(row[3], "SCAN "); whole && growing.MatchString(table) {
				plans[statement] = append(plans[statement], table)
			}
		}
	}
	return plans
}

func postgresPlans(t *testing.T, conn *sql.Conn) map[string][]string {
	t.Helper()
	// The tables are small here: an index that there is must be taken.
	if _, err := conn.ExecContext(t.Context(), `SET enable_seqscan = off`); err != nil {
		t.Fatal(err)
	}
	plans := map[string][]string{}
	for _, row := range query(t, conn, `SELECT name, statement, array_to_string(parameter_types, ',')
		FROM pg_prepared_statements WHERE statement LIKE 'SELECT%'`, 3) {
		var arguments []string
		for _, kind := range strings.FieldsFunc(row[2], func(r rune) bool { return r == ',' }) {
			argument, known := map[string]string{"bigint": "0", "text": "''", "name": "''", "boolean": "false"}[kind]
			if !known {
				t.Fatalf("%s has a parameter of type %s", row[1], kind)
			}
			arguments = append(arguments, argument)
		}
		execute := `EXPLAIN (FORMAT JSON) EXECUTE ` + row[0]
		if len(arguments) > 0 {
			execute += `(` + strings.Join(arguments, ", ") + `)`
		}
		var plan []struct{ Plan planNode }
		if err := json.Unmarshal([]byte(query(t, conn, execute, 1)[0][0]), &plan); err != nil {
			t.Fatal(err)
		}
		if whole := plan[0].Plan.whole(); len(whole) > 0 {
			plans[row[1]] = whole
		}
	}
	return plans
}

// planNode is a step of a plan of PostgreSQL.
type planNode struct {
	Type  string `json:"Node Type"`
	Table string `json:"Relation Name"`
	Index string `json:"Index Cond"`
	Plans []planNode
}

// whole are the growing tables of which all rows are read.
func (n planNode) whole() (tables []string) {
	if growing.MatchString(n.Table) && n.Index == "" && n.Type != "Bitmap Heap Scan" {
		tables = append(tables, n.Table)
	}
	for _, inner := range n.Plans {
		tables = append(tables, inner.whole()...)
	}
	return tables
}

// query reads rows of a number of columns as text.
func query(t *testing.T, conn *sql.Conn, text string, columns int) (found [][]string) {
	t.Helper()
	rows, err := conn.QueryContext(context.Background(), text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	for rows.Next() {
		row, into := make([]string, columns), make([]any, columns)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		found = append(found, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
