package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

func TestPostgreSQL(t *testing.T) {
	server := storetest.StartPostgres(t)
	t.Run("suite", func(t *testing.T) { storetest.Run(t, server.Database) })

	t.Run("another program's database", func(t *testing.T) {
		address := server.Database(t)
		db, err := sql.Open("pgx", address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(context.Background(), `CREATE TABLE orders (id BIGINT)`); err != nil {
			t.Fatal(err)
		}
		_, err = store.Open(context.Background(), store.Options{URL: address})
		if !errors.Is(err, store.ErrForeign) || !strings.Contains(err.Error(), "orders") {
			t.Errorf("got %v, want ErrForeign naming the table", err)
		}
	})

	t.Run("replicas start together", func(t *testing.T) {
		address := server.Database(t)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				s, err := store.Open(context.Background(), store.Options{URL: address})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})

	t.Run("a replica is frozen in the middle of a transaction", func(t *testing.T) {
		address, proxy := server.Database(t), server.Proxy(t)
		replica := func(address string) *store.Store {
			s, err := store.Open(t.Context(), store.Options{URL: address})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		frozen, other := replica(proxy.URL(t, address)), replica(address)
		proxy.HoldCommits(1)
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := frozen.StartRun(context.Background(), "jira/main", "1", time.Unix(1, 0)); err == nil {
				t.Error("the frozen replica has stored something")
			}
			if err := frozen.Close(); err != nil {
				t.Error(err)
			}
		})
		for !proxy.Held() {
			time.Sleep(time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := other.StartRun(ctx, "pagerduty/main", "1", time.Unix(1, 0)); err != nil {
			t.Errorf("the other one cannot write for half a minute: %v", err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
	})

	t.Run("another replica judges in between", func(t *testing.T) {
		ctx, address := context.Background(), server.Database(t)
		var replicas [3]*store.Store
		for i := range replicas {
			s, err := store.Open(ctx, store.Options{URL: address})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			replicas[i] = s
		}
		var last int64
		for i, replica := range []int{0, 1, 0} {
			// The first replica's state has not changed since it saved it, the
			// stored one has.
			badge, at := framework.Badge(1+replica), time.Unix(1, 0)
			badges := map[string]scoring.BadgeState{
				fmt.Sprintf("service-%d", replica): {}, "shop": {Badge: badge, At: at},
			}
			var err error
			last, err = replicas[replica].SaveJudgement(ctx, store.Judgement{After: last, At: at, Badges: badges})
			if err != nil {
				t.Fatal(err)
			}
			// The third only reads, names that the others have made too.
			state, err := replicas[2].LoadState(ctx, store.State{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if state.Badges["shop"].Badge != badge {
				t.Errorf("judgement %d: shop has %s, want %s", i, state.Badges["shop"].Badge, badge)
			}
		}
	})

	t.Run("an empty database is not read", func(t *testing.T) {
		_, err := store.OpenReadOnly(context.Background(), store.Options{URL: server.Database(t)})
		if !errors.Is(err, store.ErrAbsent) {
			t.Errorf("got %v, want ErrAbsent", err)
		}
	})
}

func TestPostgreSQLErrorsHideThePassword(t *testing.T) {
	for _, address := range []string{
		"postgres://me:hunter2@127.0.0.1:1/db",
		"postgres://me:hunter2@127.0.0.1:port/db",
		"postgres://me:hunter2 %zz@127.0.0.1/db",
		"postgres://me:hunter2@127.0.0.1:1/db?sslmode=hunter2",
		"mysql://me:hunter2@127.0.0.1/db",
	} {
		_, err := store.Open(context.Background(), store.Options{URL: address})
		if err == nil {
			t.Fatalf("%s was opened", address)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in: %v", err)
		}
	}
}

// TestPostgreSQLWithoutTemporaryTables stores many rows as a user who may make no
// temporary tables.
func TestPostgreSQLWithoutTemporaryTables(t *testing.T) {
	address := storetest.StartPostgres(t).Limited(t)
	s, err := store.Open(t.Context(), store.Options{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var batch evidence.Batch
	for i := range 1000 {
		batch.Records = append(batch.Records, evidence.Record{Service: fmt.Sprintf("service-%d", i), Fact: "a.count",
			Value: evidence.Int(int64(i))})
	}
	changes, err := s.Commit(t.Context(), "test/main", 0, time.Unix(1, 0), batch)
	if err != nil || changes.Records != 1000 {
		t.Errorf("%+v, %v", changes, err)
	}
}
