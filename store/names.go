package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// nameTable is a table of names, which other tables refer to by id.
type nameTable int

const (
	serviceNames nameTable = iota
	factNames
	sourceNames
	checkNames
	nameTables
)

func (t nameTable) String() string {
	return [nameTables]string{"services", "facts", "sources", "checks"}[t]
}

// nameIn is a name in a statement's arguments, where the database has its id.
type nameIn struct {
	table nameTable
	name  string
}

// namesIn are names of one table.
func namesIn(table nameTable, names []string) []any {
	all := make([]any, len(names))
	for i, name := range names {
		all[i] = nameIn{table, name}
	}
	return all
}

// nameSet has the names of a table in both directions. Ids are numbers from 1
// without gaps.
type nameSet struct {
	ids   map[string]int64
	names map[int64]string
	last  int64
}

func (n *nameSet) add(id int64, name string) {
	if n.ids == nil {
		n.ids, n.names = map[string]int64{}, map[int64]string{}
	}
	n.ids[name], n.names[id], n.last = id, name, max(n.last, id)
}

// names caches the committed names. Rows are never changed or deleted, so what
// is known stays true, whoever else writes.
type names struct {
	mu   sync.RWMutex
	sets [nameTables]nameSet
}

func (n *names) add(made [nameTables]nameSet) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for table := range made {
		for id, name := range made[table].names {
			n.sets[table].add(id, name)
		}
	}
}

// lastID is the greatest id of a table that is known. Every smaller one is known,
// too.
func (n *names) lastID(table nameTable) int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.sets[table].last
}

// all are the names of a table, sorted.
func (n *names) all(table nameTable) []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return slices.Sorted(maps.Keys(n.sets[table].ids))
}

// loadNames reads the names that were committed since the last time. A writing
// transaction knows all names from then on: no other one can commit before it.
func (v *view) loadNames(ctx context.Context) error {
	query, args := "", []any(nil)
	for table := range nameTables {
		if table > 0 {
			query += ` UNION ALL `
		}
		query += fmt.Sprintf(`SELECT %d, id, name FROM %s WHERE id > ?`, table, table)
		args = append(args, v.store.names.lastID(table))
	}
	var found [nameTables]nameSet
	err := each(ctx, v, query, args, func(rows *sql.Rows) error {
		var table, id int64
		var name string
		if err := rows.Scan(&table, &id, &name); err != nil {
			return err
		}
		found[table].add(id, name)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the names of the store: %w", err)
	}
	v.store.names.add(found)
	return nil
}

// id is the id of a name; 0, which no row has, for one that is not stored.
func (v *view) id(n nameIn) int64 {
	name := text(n.name)
	if id, ok := v.made[n.table].ids[name]; ok {
		return id
	}
	v.store.names.mu.RLock()
	defer v.store.names.mu.RUnlock()
	return v.store.names.sets[n.table].ids[name]
}

// name is the name with an id.
func (v *view) name(table nameTable, id int64) (string, error) {
	if name, ok := v.made[table].names[id]; ok {
		return name, nil
	}
	v.store.names.mu.RLock()
	defer v.store.names.mu.RUnlock()
	if name, ok := v.store.names.sets[table].names[id]; ok {
		return name, nil
	}
	return "", fmt.Errorf("table %s has no name with id %d", table, id)
}

// intern returns the id of a name. A name that has no id gets a new one, which
// insertNames writes.
func (t *tx) intern(n nameIn) int64 {
	id := t.id(n)
	if id == 0 {
		id = max(t.store.names.lastID(n.table), t.made[n.table].last) + 1
		t.made[n.table].add(id, text(n.name))
	}
	return id
}

// insertNames writes the new names; at the end of a transaction, all in few
// statements.
func (t *tx) insertNames(ctx context.Context) error {
	for table, made := range t.made {
		var rows [][]any
		for id := made.last - int64(len(made.names)) + 1; id <= made.last; id++ {
			rows = append(rows, []any{id, made.names[id]})
		}
		err := t.insert(ctx, nameTable(table).String(), []string{"id", "name"}, `ON CONFLICT (id) DO NOTHING`, rows)
		if err != nil {
			return fmt.Errorf("adding to %s: %w", nameTable(table), err)
		}
	}
	return nil
}
