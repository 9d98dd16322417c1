package store

import (
	"database/sql"
	"maps"
	"slices"
)

// Reading are the connections of a store for reading.
func Reading(s *Store) *sql.DB { return s.read }

// Writing is the connection of a store for writing.
func Writing(s *Store) *sql.DB { return s.write }

// KeptStatements are the statements that a connection to SQLite has parsed.
func KeptStatements(driverConn any) []string {
	return slices.Sorted(maps.Keys(driverConn.(*cachingConn).idle))
}
