package drill

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/work"
)

// settleLimit is how long all jobs may take to end after the faults.
const settleLimit = 3 * time.Minute

// settle waits until every job has ended, and reconciles. It reconciles also if some have not: these are reported as
// unended.
func (s *stage) settle(ctx context.Context) error {
	// After the limit reconcile counts the jobs that have not ended, which says more than the error would.
	_ = s.until(ctx, settleLimit, "every job has ended",
		"select not exists (select from river.river_job where finalized_at is null)")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.reconcile(ctx)
}

// reconcile compares the client's log with the ledger and the jobs' rows.
func (s *stage) reconcile(ctx context.Context) error {
	rows, _ := s.pool.Query(ctx, "select key, count(*) from drill.effect group by key")
	effects, err := collect[string](rows)
	if err != nil {
		return err
	}
	r := s.result
	rows, _ = s.pool.Query(ctx, "select args ->> 'key', 1 from river.river_job where state = 'discarded' and errors[array_upper(errors, 1)] ->> 'code' = $1",
		work.CodePoisonPill)
	poisonous, err := collect[string](rows)
	if err != nil {
		return err
	}
	for key, acknowledged := range s.sent.acknowledged {
		if acknowledged {
			r.Acknowledged++
			if effects[key] == 0 && poisonous[key] == 0 {
				r.Lost++
			}
		} else {
			r.Refused++
		}
	}
	for _, n := range effects {
		if n > 1 {
			r.Doubled++
		}
	}
	// An attempt counts against its job if max_attempts (25) did not grow with it.
	err = s.pool.QueryRow(ctx, `
		select count(*), count(*) filter (where finalized_at is null), count(*) filter (where state in ('discarded', 'cancelled')),
			coalesce(sum(greatest(attempt - (state = 'completed')::int - (max_attempts - 25), 0)), 0),
			coalesce(sum((select count(*) from unnest(errors) e where e ->> 'code' = any ($1))), 0)
		from river.river_job where kind in ('drill_step', 'drill_small')`, deaths()).Scan(&r.Jobs, &r.Unended, &r.Discarded, &r.Spent, &r.Rescued)
	if err != nil {
		return err
	}
	var strays int // requests without a job, and jobs without a request
	if err := s.pool.QueryRow(ctx, `select count(*) from (select key from drill.request) r
		full join (select args ->> 'key' as key from river.river_job where kind in ('drill_step', 'drill_small')) j using (key)
		where r.key is null or j.key is null`).Scan(&strays); err != nil {
		return err
	}
	if strays > 0 {
		r.fail("%d requests without a job, or jobs without a request", strays)
	}
	if err := s.noteSmall(ctx); err != nil {
		return err
	}
	if r.Woken, err = s.countLogs(work.CodeDeclaredDead); err != nil {
		return err
	}
	times, alone, err := s.rescues(ctx)
	if err != nil {
		return err
	}
	r.Rescue, r.Alone = rescueOf(times), rescueOf(alone)
	if r.Lost > 0 || r.Unended > 0 {
		r.fail("%d lost, %d jobs without an end", r.Lost, r.Unended)
	}
	if r.Doubled > 0 && !s.NoFence {
		r.fail("%d doubled", r.Doubled)
	}
	if n := len(poisonous); n > 0 {
		r.note("%d discarded by the poison rule: three workers died while running it, the last with it isolated", n)
	}
	if r.Discarded > len(poisonous) {
		r.fail("%d discarded, of which %d by the poison rule", r.Discarded, len(poisonous))
	}
	return nil
}

func collect[K comparable](rows pgx.Rows) (map[K]int, error) {
	counts := map[K]int{}
	var key K
	var n int
	_, err := pgx.ForEachRow(rows, []any{&key, &n}, func() error {
		counts[key] = n
		return nil
	})
	return counts, err
}

// deaths are the codes of attempts whose worker died.
func deaths() []string { return []string{work.CodeWorkerDied, work.CodePoisonPill} }

// rescues returns the times from each fault to the start of each of the worker's jobs elsewhere, or from the release of
// a job that an outside session had locked, if that was later. Jobs that had lost a worker before are returned
// separately: by the poison rule they wait until a worker has nothing else to do.
func (s *stage) rescues(ctx context.Context) (times, alone []time.Duration, err error) {
	hit := map[string]time.Time{}
	s.mu.Lock()
	for _, p := range s.processes {
		if !p.hit.IsZero() {
			hit[p.name] = p.hit
		}
	}
	s.mu.Unlock()
	rows, _ := s.pool.Query(ctx, `select id, (e ->> 'attempt')::int, e ->> 'worker', row_number() over (partition by id order by nth)
		from river.river_job, unnest(errors) with ordinality u (e, nth) where e ->> 'code' = any ($1)`, deaths())
	var id int64
	var attempt, death int
	var worker string
	_, err = pgx.ForEachRow(rows, []any{&id, &attempt, &worker, &death}, func() error {
		if hit[worker].IsZero() {
			return nil
		}
		// If the next attempt did not begin, its worker died too, and that death is counted separately.
		if at, ok := s.journal.started(id, attempt+1); ok {
			from := hit[worker]
			if released, _ := s.outsiders.of(id); released.After(from) {
				from = released
			}
			took := at.Sub(from)
			if death == 1 {
				times = append(times, took)
			} else {
				alone = append(alone, took)
			}
		}
		return nil
	})
	return times, alone, err
}

// countLogs counts the lines of the processes' logs that have a code, in either format.
func (s *stage) countLogs(code string) (n int, err error) {
	line := regexp.MustCompile(`\bcode(?:=|":")` + regexp.QuoteMeta(code) + `\b`)
	files, err := filepath.Glob(filepath.Join(s.logs, "*.log"))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		log, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		n += len(line.FindAllIndex(log, -1))
	}
	return n, nil
}
