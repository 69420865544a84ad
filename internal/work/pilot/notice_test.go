package pilot

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

// TestNoticeIsCheap: the notice's statement keeps one plan, which reads a few pages. Neither the number of waiting jobs nor
// the age of the statistics changes that.
func TestNoticeIsCheap(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	// A table of its own, without the indexes that do not matter here, fills in seconds.
	_, err := pool.Exec(t.Context(), `
		create schema waiting;
		create unlogged table waiting.river_job (like river.river_job including defaults including identity);
		alter table waiting.river_job set (autovacuum_enabled = off)`)
	if err != nil {
		t.Fatal(err)
	}
	jobs := 0
	for _, step := range []struct {
		until   int
		analyze bool // otherwise the statistics are stale
	}{{0, false}, {0, true}, {1000, false}, {1000, true}, {1_000_000, false}, {1_000_000, true}} {
		_, err := pool.Exec(t.Context(), fmt.Sprintf(`
			drop index if exists waiting.fetching;
			insert into waiting.river_job (kind, args, max_attempts, queue, priority, state, scheduled_at)
			select 'k', '{}', 25, 'default', 1 + i %% 4, 'available', now() - make_interval(secs => 0.1 * i)
			from generate_series(%d, %d) i;
			create index fetching on waiting.river_job (queue, priority, scheduled_at, id) include (kind) where state = 'available'`,
			jobs+1, step.until))
		if err != nil {
			t.Fatal(err)
		}
		jobs = step.until
		if step.analyze {
			if _, err := pool.Exec(t.Context(), "analyze waiting.river_job"); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(fmt.Sprintf("%d jobs, analyzed %v", jobs, step.analyze), func(t *testing.T) {
			conn, err := pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()
			noticePlan(t, conn.Conn())
		})
	}
}

// noticePlan checks what the prepared statement reads at its first calls and after.
func noticePlan(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), "prepare notice (text, int) as "+db.Statement(noticeSQL, "waiting")); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(t.Context()), "deallocate notice") }()
	for range 12 {
		rows, err := conn.Query(t.Context(), "explain (analyze, buffers, costs off, timing off) execute notice ('default', 9)",
			pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(lines, "\n")
		if n := readPages(plan); n > 40 {
			t.Fatalf("read %d pages:\n%s", n, plan)
		}
	}
	var generic, custom int
	err := conn.QueryRow(t.Context(), "select generic_plans, custom_plans from pg_prepared_statements where name = 'notice'").Scan(&generic, &custom)
	if err != nil {
		t.Fatal(err)
	}
	if custom > 5 || generic < 7 {
		t.Errorf("%d of 12 calls were planned again", custom)
	}
}

// readPages returns how many pages the plan's topmost node read.
func readPages(plan string) (pages int) {
	first := regexp.MustCompile(`Buffers: shared (hit=(\d+))? ?(read=(\d+))?`).FindStringSubmatch(plan)
	if first == nil {
		return 0
	}
	for _, n := range []string{first[2], first[4]} {
		if n != "" {
			read, _ := strconv.Atoi(n)
			pages += read
		}
	}
	return pages
}
