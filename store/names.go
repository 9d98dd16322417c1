package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"sync"
)

// nameTable is a table of interned names.
type nameTable int

const (
	serviceNames nameTable = iota
	factNames
	sourceNames
	checkNames
	nameTables
)

var nameTableNames = [nameTables]string{"services", "facts", "sources", "checks"}

// names caches the interned names in both directions. Rows are never changed or
// deleted, so what is known stays true, whoever else writes.
type names struct {
	mu sync.RWMutex
	to [nameTables]map[string]int64
	of [nameTables]map[int64]string
	// loaded is the greatest id that load has seen: everything up to it is
	// known, whichever process made it.
	loaded [nameTables]int64
}

func newNames() *names {
	n := &names{}
	for i := range n.to {
		n.to[i], n.of[i] = map[string]int64{}, map[int64]string{}
	}
	return n
}

func (n *names) add(table nameTable, made map[string]int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, id := range made {
		n.to[table][name] = id
		n.of[table][id] = name
	}
}

func (n *names) id(table nameTable, name string) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.to[table][name]
	return id, ok
}

// name resolves an id that a row read after load refers to.
func (n *names) name(table nameTable, id int64) (string, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if name, ok := n.of[table][id]; ok {
		return name, nil
	}
	return "", fmt.Errorf("table %s has no name with id %d", nameTableNames[table], id)
}

// all are the names of a table by id, as loaded.
func (n *names) all(table nameTable) map[int64]string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return maps.Clone(n.of[table])
}

// load reads the names made since the last time. A reader calls it in its
// transaction before it reads rows that refer to them.
func (n *names) load(ctx context.Context, q queryer) error {
	for table := range nameTables {
		n.mu.RLock()
		after := n.loaded[table]
		n.mu.RUnlock()
		found := map[string]int64{}
		err := readNames(ctx, q, table, `id > $1`, []any{after}, func(id int64, name string) {
			found[name] = id
			after = max(after, id)
		})
		if err != nil {
			return err
		}
		n.add(table, found)
		n.mu.Lock()
		n.loaded[table] = max(n.loaded[table], after)
		n.mu.Unlock()
	}
	return nil
}

// readNames calls add with the names of a table that a condition selects.
func readNames(
	ctx context.Context, q queryer, table nameTable, where string, args []any, add func(id int64, name string),
) error {
	err := each(ctx, q, `SELECT id, name FROM `+nameTableNames[table]+` WHERE `+where, args, func(rows *sql.Rows) error {
		var id int64
		var name string
		err := rows.Scan(&id, &name)
		add(id, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", nameTableNames[table], err)
	}
	return nil
}

// intern resolves names to ids and makes those that are new.
func (t *tx) intern(ctx context.Context, table nameTable, wanted []string) (map[string]int64, error) {
	ids := make(map[string]int64, len(wanted))
	var unknown []string
	for _, name := range wanted {
		if _, done := ids[name]; done {
			continue
		}
		id, ok := t.store.names.id(table, name)
		if !ok {
			id, ok = t.interned[table][name]
		}
		if !ok {
			unknown = append(unknown, name)
		}
		ids[name] = id
	}
	if len(unknown) == 0 {
		return ids, nil
	}

	sqlName := nameTableNames[table]
	found := map[string]int64{}
	err := chunks(unknown, func(part []string) error {
		return readNames(ctx, t, table, `name IN (`+placeholders(1, len(part))+`)`, with(nil, part),
			func(id int64, name string) {
				found[name] = id
			})
	})
	if err != nil {
		return nil, err
	}
	last, err := greatest(ctx, t, "id", sqlName)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", sqlName, err)
	}
	var rows [][]any
	for _, name := range unknown {
		if _, ok := found[name]; !ok {
			last++
			found[name] = last
			rows = append(rows, []any{last, name})
		}
	}
	if err := t.insert(ctx, `INSERT INTO `+sqlName+` (id, name)`, "", rows); err != nil {
		return nil, fmt.Errorf("adding to %s: %w", sqlName, err)
	}
	if t.interned[table] == nil {
		t.interned[table] = map[string]int64{}
	}
	for name, id := range found {
		t.interned[table][name] = id
		ids[name] = id
	}
	return ids, nil
}

// internOne is intern for one name.
func (t *tx) internOne(ctx context.Context, table nameTable, name string) (int64, error) {
	ids, err := t.intern(ctx, table, []string{name})
	return ids[name], err
}
