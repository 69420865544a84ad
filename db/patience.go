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
// waiting lock cancels an autovacuum that blocks it. All attempts of a step together take at most
// 47 s if it waits for one lock.
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

// step runs f in its own transaction, and retries while another transaction holds a lock that f needs.
func (r *run) step(ctx context.Context, name string, f func(tx pgx.Tx) error) error {
	return r.retry(ctx, name, false, f)
}

// inTurn is like step, but f runs while no other migration runs a step. If it waits too long for that, its error names
// the other migration's connection. The lock ends with the transaction: through a pooler, a session's lock would stay
// with whichever session got it. So f must find out whether another migration has done its work.
func (r *run) inTurn(ctx context.Context, name string, f func(tx pgx.Tx) error) error {
	return r.retry(ctx, name, true, f)
}

func (r *run) retry(ctx context.Context, name string, inTurn bool, f func(tx pgx.Tx) error) error {
	began := time.Now()
	w := &watch{cfg: r.conn.Config(), lock: r.Lock}
	defer w.close(ctx)
	tries, turns := 0, 0
	for {
		waiting := inTurn
		err := r.try(ctx, w, func(tx pgx.Tx) error {
			if inTurn {
				if err := r.waitForTurn(ctx, tx); err != nil {
					return err
				}
				waiting = false
			}
			if err := limitWait(ctx, tx, r.Lock); err != nil {
				return err
			}
			return f(tx)
		})
		if err == nil {
			return nil
		}
		if !isBlocked(err) {
			return fmt.Errorf("%s: %w", name, err)
		}
		step, try, of, pause := name, &tries, r.Tries, r.Pause
		if waiting {
			step, try, of, pause = "wait for another migration to end", &turns, max(1, int(r.Turn/r.turnLock())), 0
		}
		if *try++; *try >= of {
			return &BlockedError{Step: step, Done: r.done, Tries: *try, Took: time.Since(began), Blockers: w.found, cause: err}
		}
		r.log.WarnContext(ctx, "another transaction holds a lock that the migration needs; will retry", "step", step, "try", *try, "of", of,
			"blocked_by", join(w.found))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", step, ctx.Err())
		}
	}
}

func (r *run) try(ctx context.Context, w *watch, f func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		var pid int
		if err := tx.QueryRow(ctx, "select pg_backend_pid() from set_config('statement_timeout', '0', true)").Scan(&pid); err != nil {
			return err
		}
		defer w.start(ctx, pid)()
		return f(tx)
	})
}

// waitForTurn takes the lock of migrations until tx ends.
func (r *run) waitForTurn(ctx context.Context, tx pgx.Tx) error {
	if err := limitWait(ctx, tx, r.turnLock()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", lockKey); err != nil {
		return err
	}
	// To read a table is to learn of tables that the other migration has just made. to_regclass, with which River looks for
	// its own, may answer from the session's cache.
	_, err := tx.Exec(ctx, "select from pg_namespace limit 0")
	return err
}

// turnLock is how long one attempt waits for another migration: longer, because no other statement queues behind it.
func (p Patience) turnLock() time.Duration { return 5 * p.Lock }

func limitWait(ctx context.Context, tx pgx.Tx, lock time.Duration) error {
	_, err := tx.Exec(ctx, "select set_config('lock_timeout', $1, true)", strconv.FormatInt(lock.Milliseconds(), 10))
	return err
}

// isBlocked reports whether err is a lock timeout, or a deadlock that Postgres resolved by cancelling our transaction.
// Either may be gone at the next attempt.
func isBlocked(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == "55P03" || pgErr.Code == "40P01") // lock_not_available, deadlock_detected
}
