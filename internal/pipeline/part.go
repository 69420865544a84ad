package pipeline

import (
	"context"
	"errors"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// part is a part that runs. It is a coroutine, which each of its queries suspends, and the transaction that it queries.
type part struct {
	next  func() (*pgx.Batch, bool) // runs it to its next query
	stop  func()                    // ends it: its query and all later ones fail
	yield func(*pgx.Batch) bool     // suspends it
	wants *pgx.Batch                // the queries that it waits for
	has   *share                    // their results
	err   error                     // that it returned
}

var (
	errStopped     = errors.New("the query was not sent, or its result not read, because another one failed")
	errUnsupported = errors.New("a part of a pipeline can only query")
)

func begin(run func(*part) error) *part {
	p := &part{}
	p.next, p.stop = iter.Pull(func(yield func(*pgx.Batch) bool) {
		p.yield = yield
		p.err = run(p)
	})
	return p
}

// resume runs the part to its next query and appends it to waiting, unless it has ended. Results that it did not read are skipped.
func (p *part) resume(waiting []*part) ([]*part, error) {
	wants, waits := p.next()
	if p.has != nil {
		_ = p.has.Close() // the part has not asked for this result
	}
	if !waits {
		return waiting, p.err
	}
	p.wants, p.has = wants, nil
	return append(waiting, p), nil
}

// SendBatch waits until the queries of b have been sent with those of the other parts.
func (p *part) SendBatch(_ context.Context, b *pgx.Batch) pgx.BatchResults {
	if !p.yield(b) {
		return pgx.FailedBatchResults(b, errStopped)
	}
	return p.has
}

func (p *part) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return p.send(ctx, sql, args).Exec()
}

func (p *part) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return p.send(ctx, sql, args).Query()
}

func (p *part) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return p.send(ctx, sql, args).QueryRow()
}

func (p *part) send(ctx context.Context, sql string, args []any) pgx.BatchResults {
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	return p.SendBatch(ctx, b)
}

// The rest of pgx.Tx. Libraries that take a transaction, such as River, can do without in what they query.

func (p *part) Begin(context.Context) (pgx.Tx, error) { return nil, errUnsupported }
func (p *part) Commit(context.Context) error          { return errUnsupported }
func (p *part) Rollback(context.Context) error        { return errUnsupported }
func (p *part) LargeObjects() pgx.LargeObjects        { panic(errUnsupported) }
func (p *part) Conn() *pgx.Conn                       { return nil }

func (p *part) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errUnsupported
}

func (p *part) Prepare(context.Context, string, string) (*pgconn.StatementDescription, error) {
	return nil, errUnsupported
}
