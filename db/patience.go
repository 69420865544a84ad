package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Patience is how a migration waits for locks that other transactions hold. While one of its statements waits, all
// later statements on that table queue behind it. So it gives up soon, and lets them pass before it tries again.
type Patience struct {
	Lock  time.Duration // how long one attempt waits for a lock
	Pause time.Duration // between two attempts
	Tries int
	Turn  time.Duration // how long to wait for another migration
}

// Usual is the patience of a deployment. An attempt is longer than Postgres's deadlock_timeout (1 s), after which a
// waiting lock cancels an autovacuum that blocks it. All attempts of a step together take at most 47 s.
func Usual() Patience {
	return Patience{Lock: 2 * time.Second, Pause: 3 * time.Second, Tries: 10, Turn: 10 * time.Minute}
}

// Step runs f as a migration runs its steps: in a transaction that waits briefly for locks, and is retried. If the lock
// is still held after all attempts, Step returns a *BlockedError with name.
func (p Patience) Step(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, name string, f func(tx pgx.Tx) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	return p.run(conn.Conn(), log).step(ctx, name, f)
}

// run is one migration: its connection, and the steps that it has done.
type run struct {
	Patience
	conn *pgx.Conn
	log  *slog.Logger
	done []string
}

func (p Patience) run(conn *pgx.Conn, log *slog.Logger) *run {
	return &run{Patience: p, conn: conn, log: log}
}

// inTurn runs f while no other migration runs. If it waits too long, its error names the other migration's connection.
func (r *run) inTurn(ctx context.Context, f func() error) error {
	turn := *r
	turn.Lock, turn.Pause = 5*r.Lock, 0 // no other statement queues behind it
	turn.Tries = max(1, int(r.Turn/turn.Lock))
	err := turn.step(ctx, "wait for another migration to end", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select pg_advisory_lock($1)", lockKey) // a session lock, which outlasts the transaction
		return err
	})
	if err != nil {
		return err
	}
	defer func() {
		// The lock must be released even if ctx has ended, or the pooled connection would keep it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = r.conn.Exec(ctx, "select pg_advisory_unlock($1)", lockKey)
	}()
	return f()
}

// step runs f in its own transaction, and retries while another transaction holds a lock that f needs.
func (r *run) step(ctx context.Context, name string, f func(tx pgx.Tx) error) error {
	began := time.Now()
	w := &watch{cfg: r.conn.Config(), lock: r.Lock}
	defer w.close(ctx)
	for try := 1; ; try++ {
		err := r.try(ctx, w, f)
		if err == nil {
			return nil
		}
		if !isBlocked(err) {
			return fmt.Errorf("%s: %w", name, err)
		}
		if try >= r.Tries {
			return &BlockedError{Step: name, Done: r.done, Tries: try, Took: time.Since(began), Blockers: w.found, cause: err}
		}
		r.log.WarnContext(ctx, "another transaction holds a lock that the migration needs; will retry", "step", name, "try", try, "of", r.Tries,
			"blocked_by", join(w.found))
		select {
		case <-time.After(r.Pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", name, ctx.Err())
		}
	}
}

func (r *run) try(ctx context.Context, w *watch, f func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		var pid int
		err := tx.QueryRow(ctx, "select pg_backend_pid() from set_config('lock_timeout', $1, true) a, set_config('statement_timeout', '0', true) b",
			strconv.FormatInt(r.Lock.Milliseconds(), 10)).Scan(&pid)
		if err != nil {
			return err
		}
		defer w.start(ctx, pid)()
		return f(tx)
	})
}

// isBlocked reports whether err is a lock timeout, or a deadlock of which Postgres cancelled our transaction. Both may
// be gone at the next attempt.
func isBlocked(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == "55P03" || pgErr.Code == "40P01") // lock_not_available, deadlock_detected
}
