package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// asker asks questions, one at a time, so that all of the console's panels hold one connection of the pool at most: acts and
// the site's own requests have the others.
type asker struct {
	pool  *pgxpool.Pool
	limit time.Duration // of one statement
	turn  chan struct{} // holds a value while a connection is in use
}

// The limit of a panel's statement. In a pool of two, a statement takes half of what the site has.
const (
	panelLimit      = time.Second
	smallPoolLimit  = 250 * time.Millisecond
	smallPool       = 2
	acquiringAtMost = 2 * time.Second // if the site needs all connections for longer, panels wait for the next round
)

func newAsker(pool *pgxpool.Pool) *asker {
	a := &asker{pool: pool, limit: panelLimit, turn: make(chan struct{}, 1)}
	if pool.Config().MaxConns <= smallPool {
		a.limit = smallPoolLimit
	}
	return a
}

// ask asks the questions. A question that fails leaves the others alone; if no connection can be had, each reading has that error.
func (a *asker) ask(ctx context.Context, questions []Question) []Reading {
	if len(questions) == 0 {
		return nil
	}
	var readings []Reading
	err := a.withConn(ctx, func(conn *pgxpool.Conn) { readings = a.pipeline(ctx, conn.Conn(), questions) })
	if err != nil {
		readings = slices.Repeat([]Reading{{Err: err}}, len(questions))
	}
	return readings
}

func (a *asker) withConn(ctx context.Context, fn func(*pgxpool.Conn)) error {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	acquiring, cancel := context.WithTimeout(ctx, acquiringAtMost)
	defer cancel()
	conn, err := a.pool.Acquire(acquiring)
	if err != nil {
		return fmt.Errorf("connection for panels: %w", err)
	}
	defer conn.Release()
	fn(conn)
	return nil
}

// read runs fn in a read-only transaction with the limit, in the console's turn.
func (a *asker) read(ctx context.Context, fn func(tx pgx.Tx) error) error {
	var err error
	connErr := a.withConn(ctx, func(conn *pgxpool.Conn) {
		err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "select set_config('statement_timeout', $1, true)", fmt.Sprint(a.limit.Milliseconds())); err != nil {
				return err
			}
			return fn(tx)
		})
	})
	return cmp.Or(connErr, err)
}

// late reports whether a statement was cancelled because it reached the limit.
func late(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "57014"
}
