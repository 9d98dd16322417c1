package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// TestStatementsAreKept runs the same statement inside the rows of itself, fails
// one, and runs more different ones than a connection keeps.
func TestStatementsAreKept(t *testing.T) {
	ctx := context.Background()
	db, err := openCached(dsn(filepath.Join(t.TempDir(), "statements.db")))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	begun, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := begun.ExecContext(ctx, `CREATE TABLE numbers (n INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	const insert = `INSERT INTO numbers (n) VALUES ($1)`
	for _, n := range []int{1, 2, 3} {
		if _, err := begun.ExecContext(ctx, insert, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := begun.ExecContext(ctx, insert, 3); err == nil {
		t.Error("a number was inserted twice")
	}
	if _, err := begun.ExecContext(ctx, insert, 4); err != nil {
		t.Errorf("after an insert that failed: %v", err)
	}
	numbers := func(inside func()) (count int) {
		err := each(ctx, &view{Tx: begun, store: &Store{}}, `SELECT n FROM numbers WHERE n > $1`, []any{1}, func(*sql.Rows) error {
			count++
			inside()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
	inner := 0
	outer := numbers(func() { inner += numbers(func() {}) })
	if outer != 3 || inner != 9 {
		t.Errorf("%d rows, and %d of the same statement inside them, want 3 and 9", outer, inner)
	}
	for n := range 2 * maxIdleStatements {
		if _, err := begun.ExecContext(ctx, fmt.Sprintf(`UPDATE numbers SET n = n WHERE n = %d`, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := begun.Commit(); err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(driverConn any) error {
		if kept := len(driverConn.(*cachingConn).idle); kept != maxIdleStatements {
			t.Errorf("%d statements are kept, want %d", kept, maxIdleStatements)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPadded(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 8, 8: 8, 9: 40, 41: keysPerQuery, keysPerQuery: keysPerQuery} {
		keys := make([]int, n)
		for i := range keys {
			keys[i] = i
		}
		list := padded(keys)
		if len(list) != want || n > 0 && list[len(list)-1] != n-1 {
			t.Errorf("%d keys become %v, want %d", n, list, want)
		}
	}
}
