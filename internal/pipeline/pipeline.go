// Package pipeline sends queries that do not depend on each other to Postgres in one round trip. The functions that make them stay as
// plain as they are: each is suspended at its query until the queries of the others are known too.
package pipeline

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB answers queries: a pool, a transaction, or what Together passes to its parts.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Together runs the parts, which read independently of each other. The first query of each travels to Postgres in one round trip, the
// second query of each in another, and so on. Parts take turns, in their order; two never run at the same time. A part must query
// only through its db, and read each result to its end before it queries again. It may call Together itself. The first error ends all
// parts and is returned.
func Together(ctx context.Context, db DB, parts ...func(db DB) error) error {
	group := make([]*part, len(parts))
	for i, run := range parts {
		group[i] = begin(func(p *part) error { return run(p) })
		defer group[i].stop()
	}
	waiting, err := first(group)
	for err == nil && len(waiting) > 0 {
		waiting, err = send(ctx, db, waiting)
	}
	return err
}

// errTwice is a mistake of the calling code.
var errTwice = errors.New("a part of a transaction in one round trip made a second query, after the transaction had been committed")

// Transact runs the parts, which write, in one transaction that takes one round trip. Their queries are sent in their order, and the
// commit with them, so a part can make one query, or one batch. A statement that finds that the transaction must not be committed has
// to fail: an error that a part returns otherwise is returned too, but comes too late to undo anything.
//
// There is no begin and no commit: Postgres runs what is sent before a Sync message as one transaction. Within a transaction, as in
// tests, Transact uses a savepoint.
func Transact(ctx context.Context, db DB, parts ...func(tx pgx.Tx) error) error {
	if tx, ok := db.(pgx.Tx); ok {
		return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return transact(ctx, tx, parts) })
	}
	return transact(ctx, db, parts)
}

func transact(ctx context.Context, db DB, parts []func(tx pgx.Tx) error) error {
	group := make([]*part, len(parts))
	for i, run := range parts {
		group[i] = begin(func(p *part) error { return run(p) })
		defer group[i].stop()
	}
	waiting, err := first(group)
	if err != nil || len(waiting) == 0 {
		return err
	}
	if waiting, err = send(ctx, db, waiting); err == nil && len(waiting) > 0 {
		err = errTwice
	}
	return err
}

// first runs each part to its first query and returns those that wait for one.
func first(group []*part) (waiting []*part, err error) {
	for _, p := range group {
		if waiting, err = p.resume(waiting); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

// send sends what the parts wait for, runs each to its next query and returns those that wait again.
func send(ctx context.Context, db DB, waiting []*part) (again []*part, err error) {
	var all pgx.Batch
	for _, p := range waiting {
		for _, q := range p.wants.QueuedQueries {
			all.Queue(q.SQL, q.Arguments...)
		}
	}
	results := db.SendBatch(ctx, &all)
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
	}()
	for _, p := range waiting {
		p.has = &share{results, p.wants.QueuedQueries}
		if again, err = p.resume(again); err != nil {
			return nil, err
		}
	}
	return again, nil
}
