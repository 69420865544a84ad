package bulk

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// anna is who acts in these tests.
var anna = surface.By{Who: "anna@example.com", Reason: "a test"}

// populated returns a database with n jobs, as many in each of the eight states, with ids from 1.
func populated(t *testing.T, n int) *pgxpool.Pool {
	t.Helper()
	pool := testdb.New(t)
	do(t, pool, fmt.Sprintf(`insert into river.river_job (kind, queue, args, state, attempt, max_attempts, attempted_at, attempted_by, scheduled_at, finalized_at)
		select 'send', 'mail', '{"password": "x"}', (array['available', 'running', 'scheduled', 'retryable', 'pending', 'completed', 'cancelled', 'discarded'])[1 + i %% 8]::river.river_job_state,
			1, 3, now(), '{w1}', now() + interval '1 h' * (i %% 8), case when i %% 8 >= 5 then now() end
		from generate_series(0, %d) i`, n-1))
	return pool
}

func runner() *Runner { return NewRunner("test", slog.New(slog.DiscardHandler)) }

func do(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ask returns the row of a query as text.
func ask(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (text string) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select concat_ws(' ', variadic array(select value from json_each_text(to_json(q)))) from ("+sql+") q", args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// started previews and starts an act.
func started(t *testing.T, pool *pgxpool.Pool, act, line string) int64 {
	t.Helper()
	p, err := Preview(t.Context(), pool, act, line)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.Start(t.Context(), pool, anna)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// turn lets a runner work until the act is done or stops.
func turn(t *testing.T, r *Runner, pool *pgxpool.Pool) {
	t.Helper()
	if worked, err := r.turn(t.Context(), pool); !worked || err != nil {
		t.Fatalf("worked: %t, %v", worked, err)
	}
}

// begun claims the act and works on its first chunk.
func begun(t *testing.T, r *Runner, pool *pgxpool.Pool) *task {
	t.Helper()
	k, err := r.claim(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	if err = errors.Join(k.read(), r.count(t.Context(), pool, k)); err != nil {
		t.Fatal(err)
	}
	if more, err := r.chunk(t.Context(), pool, k); !more || err != nil {
		t.Fatalf("more: %t, %v", more, err)
	}
	return k
}

const progress = "select state, matches, done, changed, unchanged, codes, round(share::numeric, 2) from jobs.bulk where id = $1"

// once says how many jobs were changed, and how often the one that was changed most often was.
const once = "select count(*), max(n) from (select count(*) as n from work.undo u join work.audit a on a.id = u.audit_id where a.bulk_id = $1 group by u.job_id) j"

const states = "select string_agg(state || ':' || n, ' ' order by state) from (select state, count(*) as n from jobs.job group by 1) s"

// refuses checks the SQLSTATE with which the database refuses something.
func refuses(t *testing.T, code string, fn func() error) {
	t.Helper()
	if pgErr, ok := errors.AsType[*pgconn.PgError](fn()); !ok || pgErr.Code != code {
		t.Errorf("got %v, want SQLSTATE %s", pgErr, code)
	}
}
