package record

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// TestContested: an attempt that two processes noted is written and counted once.
func TestContested(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	for _, worker := range []string{"one", "two"} {
		r := newTestRecorder(t, pool, worker)
		for n := range 100 {
			if a := anAttempt("one", n); worker == "one" || n%10 == 0 {
				a.Contested = n%10 == 0
				r.Note(a)
			}
		}
		r.flush(t.Context())
	}
	adds(t, pool, 100)
}

// TestContestedAtOnce: an attempt is written once although two processes write it at the same moment, neither of which sees the
// other's row.
func TestContestedAtOnce(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := anAttempt("one", 1)
	a.Contested = true
	written, err := writeContested(t.Context(), tx, []*Attempt{a})
	if err != nil || len(written) != 1 {
		t.Fatalf("wrote %d: %v", len(written), err)
	}
	r := newTestRecorder(t, pool, "two")
	b := *a
	r.Note(&b)
	r.flush(t.Context()) // finds the job locked, and keeps the attempt for the next time
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.flush(t.Context())
	if n := sum(t, pool, "select count(*) from work.attempt"); n != 1 {
		t.Errorf("the attempt is written %d times", n)
	}
}

// TestLockedTables: a lock on the record's tables, as by vacuum full, does not delay jobs, although they share one connection.
func TestLockedTables(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	cfg := pool.Config()
	cfg.MaxConns = 1
	own, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "lock table work.attempt, work.minute_release, work.release"); err != nil {
		t.Fatal(err)
	}
	r := newTestRecorder(t, own, "one")
	r.Note(anAttempt("one", 1))
	for name, do := range map[string]func() error{
		"the recorder": func() error { r.flush(t.Context()); return nil },
		"tidying":      func() error { return Tidy(t.Context(), own) },
		"a release":    func() error { return markRelease(t.Context(), own, "v9") },
	} {
		err := do() // the lock_timeout of 0.5 s ends it, not writeTimeout, after which the database would count as away
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); name != "the recorder" && (!ok || pgErr.Code != "55P03") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r.left() != 1 || r.away {
		t.Errorf("%d attempts are left, away %v", r.left(), r.away)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.flush(t.Context())
	if n := sum(t, pool, "select count(*) from work.attempt"); n != 1 {
		t.Errorf("%d attempts were written", n)
	}
}

// TestLockedRows: only the sums whose rows are locked wait, and they are counted once.
func TestLockedRows(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	r := newTestRecorder(t, pool, "one")
	for n := range 100 {
		r.Note(anAttempt("one", n))
	}
	r.flush(t.Context())
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	for _, sql := range []string{
		"select from work.minute_release where kind = 'kind_1' for update",
		"select from work.error where message like 'error a%' for update",
	} {
		if tag, err := tx.Exec(t.Context(), sql); err != nil || tag.RowsAffected() == 0 {
			t.Fatal(tag, err)
		}
	}
	for n := range 100 {
		r.Note(anAttempt("one", 100+n))
	}
	r.flush(t.Context())
	if r.left() != 0 || len(r.owed) != 2 {
		t.Errorf("%d attempts are left, and %d sums", r.left(), len(r.owed))
	}
	if n := sum(t, pool, "select sum(completed + failed) from work.minute_release"); n != 180 {
		t.Errorf("%d attempts are counted beside the locked ones, want 180", n)
	}
	r.flush(t.Context())
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.flush(t.Context())
	adds(t, pool, 200)
	if len(r.owed) != 0 {
		t.Errorf("%d sums are owed", len(r.owed))
	}
}
