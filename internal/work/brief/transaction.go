package brief

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

type connection = pgx.Conn

// transaction presents the transaction that a batch's head began as a pgx.Tx.
type transaction struct{ *connection }

var errBatch = errors.New("the transaction belongs to a batch of brief jobs")

// Commit is left to the batch.
func (transaction) Commit(context.Context) error { return errBatch }

// Rollback is left to the batch.
func (transaction) Rollback(context.Context) error { return errBatch }

// Begin would set a savepoint, which would cost every other transaction.
func (transaction) Begin(context.Context) (pgx.Tx, error) { return nil, errBatch }

// LargeObjects exist only for transactions that pgx began.
func (transaction) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Conn returns the connection.
func (t transaction) Conn() *pgx.Conn { return t.connection }
