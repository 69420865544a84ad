package bench

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Statement is SQL that a program sent, with its arguments.
type Statement struct {
	SQL  string
	Args []any
}

// Verb returns the first word of the SQL, in lower case.
func (s Statement) Verb() string {
	word, _, _ := strings.Cut(strings.ToLower(s.SQL), " ")
	return word
}

// Trip is what a program sent in one round trip: a statement, or those of a batch.
type Trip []Statement

// Recorder is a pgx tracer that records what a program sends, so that it can be sent again without the program. It omits
// begin, commit and rollback.
type Recorder struct {
	mu    sync.Mutex
	trips []Trip
}

// TraceQueryStart records a statement.
func (r *Recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	switch strings.ToLower(q.SQL) {
	case "begin", "commit", "rollback":
		return ctx
	}
	r.note(Trip{{q.SQL, q.Args}})
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (r *Recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart records a batch.
func (r *Recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	trip := make(Trip, len(b.Batch.QueuedQueries))
	for i, q := range b.Batch.QueuedQueries {
		trip[i] = Statement{q.SQL, q.Arguments}
	}
	r.note(trip)
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (r *Recorder) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (r *Recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (r *Recorder) note(trip Trip) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trips = append(r.trips, trip)
}

// Take returns the round trips since the last Take.
func (r *Recorder) Take() []Trip {
	r.mu.Lock()
	defer r.mu.Unlock()
	trips := r.trips
	r.trips = nil
	return trips
}

// Replay sends the statements of a round trip again, and reads their results without using them.
func Replay(ctx context.Context, db interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}, trip Trip,
) error {
	var batch pgx.Batch
	for _, s := range trip {
		batch.Queue(s.SQL, s.Args...)
	}
	return db.SendBatch(ctx, &batch).Close()
}
