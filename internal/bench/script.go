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

// Recorder is a pgx tracer that records the statements a program sends, so that they can be sent again without the
// program. It omits begin, commit and rollback.
type Recorder struct {
	mu   sync.Mutex
	said []Statement
}

// TraceQueryStart records a statement.
func (r *Recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	switch strings.ToLower(q.SQL) {
	case "begin", "commit", "rollback":
		return ctx
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, Statement{q.SQL, q.Args})
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (r *Recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Take returns the statements since the last Take.
func (r *Recorder) Take() []Statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	return said
}

// Replay sends statements again, one round trip each as the program does, and reads their results without using them.
func Replay(ctx context.Context, db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, said []Statement,
) error {
	for _, s := range said {
		rows, err := db.Query(ctx, s.SQL, s.Args...)
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}
