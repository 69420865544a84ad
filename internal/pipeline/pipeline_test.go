package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/worktest"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// open returns a pool of one connection whose queries are counted.
func open(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.Tracer, cfg.MaxConns = trace.Queries{}, 1
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func one(ctx context.Context, db pipeline.DB, sql string, args ...any) (n int, err error) {
	err = db.QueryRow(ctx, sql, args...).Scan(&n)
	return n, err
}

// numbers returns the numbers from 1 to n.
func numbers(ctx context.Context, db pipeline.DB, n int) ([]int, error) {
	rows, err := db.Query(ctx, "select generate_series(1, $1::int)", n)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// together reads in three levels: one part needs an answer for its next query, and one is made of parts itself.
func together(ctx context.Context, db pipeline.DB) (got []int, err error) {
	var a, b, c int
	var list []int
	err = pipeline.Together(ctx, db,
		func(db pipeline.DB) (err error) {
			if a, err = one(ctx, db, "select 1"); err == nil {
				a, err = one(ctx, db, "select $1::int + 10", a)
			}
			return err
		},
		func(pipeline.DB) error { return nil },
		func(db pipeline.DB) error {
			return pipeline.Together(ctx, db,
				func(db pipeline.DB) (err error) { b, err = one(ctx, db, "select 2"); return err },
				func(db pipeline.DB) (err error) {
					for n := 1; n <= 3 && err == nil; n++ {
						list, err = numbers(ctx, db, n)
					}
					return err
				})
		},
		func(db pipeline.DB) error {
			var batch pgx.Batch
			batch.Queue("select 40").QueryRow(func(row pgx.Row) error { return row.Scan(&c) })
			batch.Queue("select 41")
			return db.SendBatch(ctx, &batch).Close()
		})
	return append([]int{a, b, c}, list...), err
}

func TestTogether(t *testing.T) {
	t.Parallel()
	url := testdb.NewURL(t)
	for name, url := range map[string]string{
		"direct": url, "pooler": worktest.Pooler(t, url) + "&default_query_exec_mode=cache_describe", "exec": url + "&default_query_exec_mode=exec",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t, url)
			for range 3 { // the first call prepares
				ctx, tr := trace.Start(t.Context())
				got, err := together(ctx, pool)
				if err != nil || !slices.Equal(got, []int{11, 2, 40, 1, 2, 3}) {
					t.Errorf("%v, %v", got, err)
				}
				if queries, trips, _ := tr.Queries(); queries != 8 || trips != 3 {
					t.Errorf("%d queries in %d round trips", queries, trips)
				}
			}
		})
	}
	tx := testdb.Tx(t)
	if got, err := together(t.Context(), tx); err != nil || got[0] != 11 {
		t.Errorf("in a transaction: %v, %v", got, err)
	}
}

// TestErrors: the first error is returned with the words of its part, all parts end, and the connection is free again.
func TestErrors(t *testing.T) {
	t.Parallel()
	pool := open(t, testdb.NewURL(t))
	ctx := t.Context()
	for name, c := range map[string]struct {
		sql, want string
	}{
		"of the server": {"select 1 / $1::int", "second: ERROR: division by zero (SQLSTATE 22012)"},
		"no rows":       {"select 1 where $1 = 1", "second: no rows in result set"},
		"not prepared":  {"select no_such_column, $1::int", `first: error preprocessing batch (prepare): ERROR: column "no_such_column" does not exist (SQLSTATE 42703)`},
	} {
		var ended []string
		wrap := func(name string, err error) error {
			ended = append(ended, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		err := pipeline.Together(ctx, pool,
			func(db pipeline.DB) error {
				_, err := numbers(ctx, db, 1000)
				return wrap("first", err)
			},
			func(db pipeline.DB) error { _, err := one(ctx, db, c.sql, 0); return wrap("second", err) },
			func(db pipeline.DB) error { _, err := one(ctx, db, "select 3"); return wrap("third", err) })
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if len(ended) != 3 {
			t.Errorf("%s: only %v ended", name, ended)
		}
		if n, err := one(ctx, pool, "select 5"); n != 5 || err != nil {
			t.Errorf("%s: then %d, %v", name, n, err)
		}
	}
}

// TestUnread: a part may leave results unread.
func TestUnread(t *testing.T) {
	t.Parallel()
	pool := open(t, testdb.NewURL(t))
	ctx := t.Context()
	var after int
	err := pipeline.Together(ctx, pool,
		func(db pipeline.DB) error {
			var batch pgx.Batch
			batch.Queue("select 1")
			batch.Queue("select 2")
			_ = db.SendBatch(ctx, &batch)
			return nil
		},
		func(db pipeline.DB) (err error) { after, err = one(ctx, db, "select 3"); return err })
	if err != nil || after != 3 {
		t.Error(after, err)
	}
}

// TestPanic: a panic in a part arrives at the caller, and the connection is free again.
func TestPanic(t *testing.T) {
	t.Parallel()
	pool := open(t, testdb.NewURL(t))
	ctx := t.Context()
	ended := false
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("no panic")
			}
		}()
		_ = pipeline.Together(ctx, pool,
			func(db pipeline.DB) error { _, _ = one(ctx, db, "select 1"); panic("boom") },
			func(db pipeline.DB) error {
				defer func() { ended = true }()
				_, err := one(ctx, db, "select 2")
				return err
			})
	}()
	if n, err := one(ctx, pool, "select 5"); n != 5 || err != nil || !ended {
		t.Error(n, err, ended)
	}
}

// TestTransact: the parts commit together, in one round trip, or not at all.
func TestTransact(t *testing.T) {
	t.Parallel()
	url := testdb.NewURL(t)
	for name, url := range map[string]string{"direct": url, "pooler": worktest.Pooler(t, url) + "&default_query_exec_mode=cache_describe"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, table := open(t, url), "written_"+name
			ctx := t.Context()
			if _, err := pool.Exec(ctx, "create table "+table+" (n int unique deferrable initially deferred)"); err != nil {
				t.Fatal(err)
			}
			insert := func(n int) func(pgx.Tx) error {
				return func(tx pgx.Tx) error {
					_, err := tx.Exec(ctx, "insert into "+table+" select 1 / $1 * $1", n) // 0 fails
					return err
				}
			}
			count := func() int { n, _ := one(ctx, pool, "select count(*) from "+table); return n }

			traced, tr := trace.Start(ctx)
			if err := pipeline.Transact(traced, pool, insert(1), insert(1)); code(err) != "23505" || count() != 0 {
				t.Errorf("a deferred constraint: %v, %d rows", err, count())
			}
			if err := pipeline.Transact(ctx, pool, insert(1), insert(0)); code(err) != "22012" || count() != 0 {
				t.Errorf("a statement that fails: %v, %d rows", err, count())
			}
			if _, trips, _ := tr.Queries(); trips != 1 {
				t.Errorf("%d round trips", trips)
			}
			if err := pipeline.Transact(ctx, pool, insert(1)); err != nil || count() != 1 {
				t.Errorf("%v, %d rows", err, count())
			}
			twice := func(tx pgx.Tx) error { return errors.Join(insert(1)(tx), insert(1)(tx)) }
			if err := pipeline.Transact(ctx, pool, twice); err == nil {
				t.Error("a part made two queries")
			}
			early := errors.New("before any query")
			if err := pipeline.Transact(ctx, pool, insert(1), func(pgx.Tx) error { return early }); !errors.Is(err, early) || count() != 1 {
				t.Errorf("%v, %d rows", err, count())
			}
		})
	}
}

// TestTransactWithin: in a transaction, what failed is undone and the rest goes on.
func TestTransactWithin(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), testdb.Tx(t)
	subject := func(sql string) func(pgx.Tx) error {
		return func(tx pgx.Tx) error { _, err := tx.Exec(ctx, sql); return err }
	}
	const insert = "insert into subject (key, name) values ('pipeline', 'Pipeline')"
	if err := pipeline.Transact(ctx, tx, subject(insert), subject("select 1 / 0")); code(err) != "22012" {
		t.Error(err)
	}
	if err := pipeline.Transact(ctx, tx, subject(insert)); err != nil {
		t.Error(err)
	}
}

// TestOnlyQueries: a part has nothing of a transaction but its queries.
func TestOnlyQueries(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	err := pipeline.Transact(ctx, testdb.New(t), func(tx pgx.Tx) error {
		_, begin := tx.Begin(ctx)
		_, copied := tx.CopyFrom(ctx, nil, nil, nil)
		_, prepared := tx.Prepare(ctx, "", "")
		for _, err := range []error{begin, copied, prepared, tx.Commit(ctx), tx.Rollback(ctx)} {
			if err == nil {
				t.Error("no error")
			}
		}
		if tx.Conn() != nil {
			t.Error("a connection")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func code(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return ""
}
