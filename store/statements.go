package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// maxIdleStatements bounds the parsed statements that one connection keeps.
const maxIdleStatements = 100

// openCached opens a SQLite database whose connections keep the statements they
// have parsed: most statements take longer to parse than to run. (The driver for
// PostgreSQL does the same.)
func openCached(dsn string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(cachingConnector{connector}), nil
}

type cachingConnector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c cachingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(
			fmt.Errorf("the driver's connection %T lacks methods that the store needs", conn), conn.Close(),
		)
	}
	return &cachingConn{sqliteConn: full, idle: map[string]sqliteStmt{}}, nil
}

// sqliteConn is what database/sql uses of a connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteStmt is what is used of a statement.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// cachingConn is a connection that keeps its statements. database/sql calls its
// methods, and those of its rows, one at a time.
type cachingConn struct {
	sqliteConn
	// idle are the statements that no open rows use, by their text.
	idle map[string]sqliteStmt
}

// take returns a statement, which the caller gives back. Two statements with
// one text exist only while rows of the first are open.
func (c *cachingConn) take(ctx context.Context, query string) (sqliteStmt, error) {
	if stmt, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return stmt, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(sqliteStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's statement %T lacks methods that the store needs", prepared),
			prepared.Close())
	}
	return stmt, nil
}

// giveBack keeps a statement for its next use. One that has failed is closed.
func (c *cachingConn) giveBack(query string, stmt sqliteStmt, failed error) error {
	if _, twice := c.idle[query]; failed != nil || twice {
		return errors.Join(failed, stmt.Close())
	}
	if len(c.idle) >= maxIdleStatements {
		for oldQuery, old := range c.idle { // any one
			delete(c.idle, oldQuery)
			if err := old.Close(); err != nil {
				return errors.Join(err, stmt.Close())
			}
			break
		}
	}
	c.idle[query] = stmt
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.giveBack(query, stmt, err)
}

// QueryContext implements driver.QueryerContext.
func (c *cachingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, c.giveBack(query, stmt, err)
	}
	return &cachingRows{Rows: rows, close: func() error { return c.giveBack(query, stmt, rows.Close()) }}, nil
}

// Close closes the statements, which hold the file open, and the connection.
func (c *cachingConn) Close() error {
	var errs []error
	for query, stmt := range c.idle {
		delete(c.idle, query)
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// cachingRows gives its statement back when it is closed. database/sql closes
// rows once.
type cachingRows struct {
	driver.Rows
	close func() error
}

// Close implements driver.Rows.
func (r *cachingRows) Close() error { return r.close() }
