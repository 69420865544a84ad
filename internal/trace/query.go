package trace

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Queries is a pgx tracer that adds each query, and the time until its last row was read, to the step that makes it.
// Every statement counts: begin and commit, each statement of a batch, and a COPY as one. A batch is one round trip; the one more that
// a connection makes to prepare a new statement is not counted. The wait for a connection of the pool is not included.
type Queries struct{}

// query is the context of a running query, and when it began.
type query struct {
	context.Context
	step  *step
	began time.Time
}

type queryKey struct{}

func (q *query) Value(key any) any {
	if key == (queryKey{}) {
		return q
	}
	return q.Context.Value(key)
}

func start(ctx context.Context) context.Context {
	s, _ := ctx.Value(stepKey{}).(*step)
	if s == nil {
		return ctx
	}
	for inner := s.inner.Load(); inner != nil; inner = s.inner.Load() {
		s = inner
	}
	now := time.Now()
	if s.first.Load() == 0 {
		s.first.CompareAndSwap(0, int64(now.Sub(s.trace.began))+1)
	}
	return &query{ctx, s, now}
}

func end(ctx context.Context, queries, trips int64) {
	if q, ok := ctx.Value(queryKey{}).(*query); ok {
		q.step.queries.Add(queries)
		q.step.trips.Add(trips)
		q.step.sql.Add(int64(time.Since(q.began)))
	}
}

// TraceQueryStart records when a query begins.
func (Queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return start(ctx)
}

// TraceQueryEnd counts it.
func (Queries) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	end(ctx, 1, 1)
}

// TraceBatchStart records when a batch begins.
func (Queries) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return start(ctx)
}

// TraceBatchQuery counts a query of the batch.
func (Queries) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchQueryData) {
	if q, ok := ctx.Value(queryKey{}).(*query); ok {
		q.step.queries.Add(1)
	}
}

// TraceBatchEnd counts the round trip and adds the time of the whole batch.
func (Queries) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	end(ctx, 0, 1)
}

// TraceCopyFromStart records when a COPY begins.
func (Queries) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return start(ctx)
}

// TraceCopyFromEnd counts it.
func (Queries) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromEndData) {
	end(ctx, 1, 1)
}
