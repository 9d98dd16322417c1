package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/sourcetest"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/store"
)

const (
	// benchServices and benchFacts are the size of a round.
	benchServices, benchFacts = 10_000, 4
	// changedBound is how many times the time of the bare statements a round may take in
	// which all has changed; loadBound likewise for reading all after a start.
	changedBound, loadBound = 3, 3
)

// fleet is one round of some facts for all services.
func fleet(facts int, value int64) evidence.Batch {
	covered := evidence.Coverage{Group: "a"}
	var batch evidence.Batch
	for f := range facts {
		fact := fmt.Sprintf("a.count_%d", f)
		covered.Facts = append(covered.Facts, fact)
		for i := range benchServices {
			batch.Records = append(batch.Records, evidence.Record{Service: fmt.Sprintf("service-%05d", i), Fact: fact,
				Value: evidence.Int(value), Detail: "sum by (service) (up)"})
		}
	}
	batch.Covered = []evidence.Coverage{covered}
	return batch
}

// benchDatabases runs a benchmark on each kind of database. fresh makes an empty one.
func benchDatabases(b *testing.B, run func(b *testing.B, kind string, fresh func() string)) {
	b.Run("sqlite", func(b *testing.B) {
		run(b, "sqlite", func() string { return filepath.Join(b.TempDir(), "bench.db") })
	})
	b.Run("postgresql", func(b *testing.B) {
		server := storetest.StartPostgres(b)
		run(b, "postgresql", func() string { return server.Database(b) })
	})
}

func openBench(b *testing.B, url string) *store.Store {
	b.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closeBench(b, s) })
	return s
}

func closeBench(b *testing.B, s *store.Store) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func commitBench(b *testing.B, s *store.Store, at time.Time, batch evidence.Batch) {
	b.Helper()
	if _, err := s.Commit(context.Background(), "test/main", 0, at, batch); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCommitSteady is a round in which nothing has changed.
func BenchmarkCommitSteady(b *testing.B) {
	benchDatabases(b, func(b *testing.B, _ string, fresh func() string) {
		s, at := openBench(b, fresh()), time.Unix(0, 0)
		commitBench(b, s, at, fleet(1, 0))
		for b.Loop() {
			at = at.Add(time.Minute)
			commitBench(b, s, at, fleet(1, 0))
		}
	})
}

// BenchmarkCommitChanged is a round in which every value has changed, beside the bare
// statements that write the same rows to the same tables.
func BenchmarkCommitChanged(b *testing.B) {
	benchDatabases(b, func(b *testing.B, kind string, fresh func() string) {
		url, bareURL, at := fresh(), fresh(), time.Unix(0, 0)
		s, other := openBench(b, url), openBench(b, bareURL)
		commitBench(b, s, at, fleet(benchFacts, 0))
		commitBench(b, other, at, fleet(benchFacts, 0))
		closeBench(b, other)
		source, bare := openBare(b, kind, url), openBare(b, kind, bareURL)
		var whole, alone time.Duration
		n := int64(0)
		for b.Loop() {
			n++
			at = at.Add(time.Minute)
			batch := fleet(benchFacts, n)
			start := time.Now()
			commitBench(b, s, at, batch)
			whole += time.Since(start)
			tables := []bareRows{
				source.rows(b, valueColumns, "fact_values", 3, ""),
				source.rows(b, historyColumns, "fact_history", 4, ` WHERE from_at = `+strconv.FormatInt(at.UnixMicro(), 10)),
			}
			start = time.Now()
			bare.upsert(b, tables)
			alone += time.Since(start)
		}
		ratio := whole.Seconds() / alone.Seconds()
		b.ReportMetric(ratio, "round/bare")
		sourcetest.Figure("changed_round_"+kind, ratio, "x", changedBound)
	})
}

// BenchmarkFirstLoad reads all rows, as after a start, beside a bare SELECT of them.
func BenchmarkFirstLoad(b *testing.B) {
	benchDatabases(b, func(b *testing.B, kind string, fresh func() string) {
		url := fresh()
		s := openBench(b, url)
		commitBench(b, s, time.Unix(0, 0), fleet(benchFacts, 0))
		bare := openBare(b, kind, url)
		var whole, alone time.Duration
		for b.Loop() {
			start, rows := time.Now(), 0
			if _, err := s.EachRecord(context.Background(), 0, func(store.Row) { rows++ }); err != nil {
				b.Fatal(err)
			}
			whole += time.Since(start)
			start = time.Now()
			if scanned := bare.scan(b); rows != scanned || rows != benchFacts*benchServices {
				b.Fatalf("%d rows, and %d of them bare", rows, scanned)
			}
			alone += time.Since(start)
		}
		ratio := whole.Seconds() / alone.Seconds()
		b.ReportMetric(ratio, "load/bare")
		sourcetest.Figure("first_load_"+kind, ratio, "x", loadBound)
	})
}

// bareDB is a database without a store.
type bareDB struct {
	*sql.DB
	kind string
}

func openBare(b *testing.B, kind, url string) bareDB {
	b.Helper()
	driver := "pgx"
	if kind == "sqlite" {
		driver, url = "sqlite", "file:"+url+"?_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return bareDB{db, kind}
}

// The columns of values and of their history, the key first.
const (
	valueColumns = `source_id, fact_id, service_id, kind, instant, num, detail, since, changed_at, seen_at, held_at,
		withdrawn, logged_at, logged, seq`
	historyColumns = `fact_id, service_id, source_id, from_at, kind, instant, num, withdrawn`
)

// each runs a query and calls scan for each row.
func (db bareDB) each(b *testing.B, query string, scan func(*sql.Rows) error) {
	b.Helper()
	found, err := db.QueryContext(context.Background(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		if err := scan(found); err != nil {
			b.Fatal(err)
		}
	}
	if err := found.Err(); err != nil {
		b.Fatal(err)
	}
}

// scan reads all values as they are stored.
func (db bareDB) scan(b *testing.B) (rows int) {
	b.Helper()
	var source, fact, service, kind, since, changed, seen, seq int64
	var instant, logged bool
	var num float64
	var detail, withdrawn string
	var held, loggedAt sql.NullInt64
	db.each(b, `SELECT `+valueColumns+` FROM fact_values`, func(found *sql.Rows) error {
		rows++
		return found.Scan(&source, &fact, &service, &kind, &instant, &num, &detail, &since, &changed, &seen, &held,
			&withdrawn, &loggedAt, &logged, &seq)
	})
	return rows
}

// bareRows are rows of a table, of which the first columns are the key.
type bareRows struct {
	table   string
	columns []string
	key     int
	rows    [][]any
}

// rows reads rows of a table.
func (db bareDB) rows(b *testing.B, columns, table string, key int, where string) bareRows {
	b.Helper()
	all := bareRows{table: table, columns: strings.Split(columns, ","), key: key}
	db.each(b, `SELECT `+columns+` FROM `+table+where, func(found *sql.Rows) error {
		row, into := make([]any, len(all.columns)), make([]any, len(all.columns))
		for i := range row {
			into[i] = &row[i]
		}
		all.rows = append(all.rows, row)
		return found.Scan(into...)
	})
	if len(all.rows) != benchFacts*benchServices {
		b.Fatalf("%d rows of %s", len(all.rows), table)
	}
	return all
}

// statement inserts n rows, or replaces them.
func (t bareRows) statement(kind string, n int) string {
	var tuples, set []string
	for row := range n {
		marks := make([]string, len(t.columns))
		for i := range marks {
			marks[i] = "?"
			if kind == "postgresql" {
				marks[i] = "$" + strconv.Itoa(row*len(marks)+i+1)
			}
		}
		tuples = append(tuples, "("+strings.Join(marks, ", ")+")")
	}
	for _, name := range t.columns[t.key:] {
		set = append(set, name+" = excluded."+name)
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) VALUES %s ON CONFLICT (%s) DO UPDATE SET %s`, t.table,
		strings.Join(t.columns, ", "), strings.Join(tuples, ", "), strings.Join(t.columns[:t.key], ", "),
		strings.Join(set, ", "))
}

// perStatement divides the number of rows.
const perStatement = 50

// upsert writes rows in one transaction, fifty in a statement.
func (db bareDB) upsert(b *testing.B, tables []bareRows) {
	b.Helper()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, t := range tables {
		if err := t.upsert(tx, db.kind); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

func (t bareRows) upsert(tx *sql.Tx, kind string) error {
	prepared, err := tx.PrepareContext(context.Background(), t.statement(kind, perStatement))
	if err != nil {
		return err
	}
	defer prepared.Close()
	for rows := t.rows; len(rows) > 0; rows = rows[perStatement:] {
		if _, err := prepared.ExecContext(context.Background(), slices.Concat(rows[:perStatement]...)...); err != nil {
			return err
		}
	}
	return nil
}
