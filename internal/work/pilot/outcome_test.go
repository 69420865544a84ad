package pilot

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

// outerJobs matches a loop over jobs in which the batch is the inner side.
var outerJobs = regexp.MustCompile(`Nested Loop[^\n]*\n\s+->  [^\n]*river_job`)

// TestBatchesAreFoundByTheirKeys: whatever the planner's statistics are, the server does not scan all jobs for an outcome, nor all
// that run or ran, nor the whole batch for each of them. To complete a large part of a small table it may read the table.
func TestBatchesAreFoundByTheirKeys(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	plan := func(sql string, args ...any) string {
		rows, err := pool.Query(t.Context(), "explain "+sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "\n")
	}
	for _, step := range []string{
		`insert into river.river_job (kind, args, max_attempts, state, attempt, attempted_by, attempted_at)
			select 'a', '{}', 25, 'running', 1, '{me}', now() from generate_series(1, 20000)`,
		"vacuum (analyze) river.river_job",
		"update river.river_job set state = 'available', attempted_by = null",
		"vacuum (analyze) river.river_job", // the planner now assumes that no job is running
	} {
		if _, err := pool.Exec(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		for _, batch := range []int{1, 100, 5000} {
			ids, attempts, ages := make([]int64, batch), make([]int, batch), make([]int64, batch)
			for i := range ids {
				ids[i], attempts[i] = int64(2*i+1), 1
			}
			if got := plan(db.Statement(completeSQL, "river"), ids, attempts, ages, "me"); strings.Contains(got, "job_running") || outerJobs.MatchString(got) {
				t.Errorf("%d completions after %s:\n%s", batch, step, got)
			}
			if got := plan(db.Statement(completeUnlockedSQL, "river"), ids, attempts, ages, "me"); strings.Contains(got, "job_running") || outerJobs.MatchString(got) {
				t.Errorf("%d completions beside locked rows after %s:\n%s", batch, step, got)
			}
			if got := plan(db.Statement(lockSQL, "river"), ids, attempts, "me"); strings.Contains(got, "Seq Scan on river_job") {
				t.Errorf("%d outcomes after %s:\n%s", batch, step, got)
			}
		}
	}
}
