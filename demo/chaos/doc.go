// Package chaos has no code of its own: its test runs three replicas of the collector
// on one PostgreSQL, kills, pauses and cuts them off, and compares what they leave in
// the database with what one process leaves that nothing happens to. `make chaos` runs
// all of it, `make test` a short form.
package chaos
