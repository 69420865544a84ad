package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Variant is one line of bench work's table.
type Variant struct {
	Name      string
	Contender string
	Workload  string
	Finished  bool // beside Throughput.Finished finished jobs
	Share     int  // of the jobs it gets only every Share-th, for those that take their time; 0 is 1
}

// Throughput is a run of bench work.
//
// What holds Backlist back on two cores is their time (measured in November 2026, 30,000 no-op jobs a second): a job takes 29 µs of
// the worker and 28 µs of Postgres, 12 of them to record it. For twice as many, a job would have to be written once instead of
// twice: leased in blocks, and deleted into a table of finished jobs when it ends; and of attempts that ended well only some would
// be kept. A job that writes a row has a transaction of its own, with four round trips and a flush to disk: twice as many would
// take the effects of several jobs in one transaction, which then fail together.
type Throughput struct {
	Rounds   int
	Jobs     int
	Finished int // rows of finished jobs, where a variant is measured beside them
	Conns    int
	Variants []Variant

	// Database returns a database for a contender's tables, empty or beside finished jobs: migrated, with the table
	// bench_effect (job_id bigint).
	Database func(ctx context.Context, contender string, finished bool) (*pgxpool.Pool, error)
	// Process runs WorkOff in a process of its own.
	Process func(ctx context.Context, s Setup) (Elapsed, error)
	// Done is told of each cell.
	Done func(WorkCell)
}

// WorkCell is one variant in one round.
type WorkCell struct {
	Round     int     `json:"round"`
	Variant   string  `json:"variant"`
	Jobs      int     `json:"jobs"`
	PerSecond float64 `json:"jobs_per_second"`
	WorkerCPU float64 `json:"worker_cpu_us_per_job"`
	ServerCPU float64 `json:"postgres_cpu_us_per_job"` // 0 where the system does not tell
	WAL       float64 `json:"wal_bytes_per_job"`
	Commits   float64 `json:"commits_per_job"`
}

// Run measures all variants in turns; each round begins with another.
func (t Throughput) Run(ctx context.Context) ([]WorkCell, error) {
	var cells []WorkCell
	for round := range t.Rounds {
		for i := range t.Variants {
			v := t.Variants[(i+round)%len(t.Variants)]
			cell, err := t.measure(ctx, v)
			if err != nil {
				return cells, fmt.Errorf("%s: %w", v.Name, err)
			}
			cell.Round = round + 1
			cells = append(cells, cell)
			if t.Done != nil {
				t.Done(cell)
			}
		}
	}
	return cells, nil
}

func (t Throughput) measure(ctx context.Context, v Variant) (WorkCell, error) {
	pool, err := t.Database(ctx, v.Contender, v.Finished)
	if err != nil {
		return WorkCell{}, err
	}
	cell := WorkCell{Variant: v.Name, Jobs: t.Jobs / max(v.Share, 1)}
	if err := prefill(ctx, pool, cell.Jobs, v.Finished); err != nil {
		return cell, err
	}
	before, err := countersOf(ctx, pool)
	if err != nil {
		return cell, err
	}
	took, err := t.Process(ctx, Setup{
		Contender: v.Contender, Workload: v.Workload, URL: pool.Config().ConnString(), Jobs: cell.Jobs, Conns: t.Conns,
	})
	if err != nil {
		return cell, err
	}
	if err := deserted(ctx, pool); err != nil {
		return cell, err
	}
	after, err := countersOf(ctx, pool)
	if err != nil {
		return cell, err
	}
	n := float64(cell.Jobs)
	cell.PerSecond = n / took.Seconds
	cell.WorkerCPU = took.CPU * 1e6 / n
	cell.ServerCPU = float64((after.cpu - before.cpu).Microseconds()) / n
	cell.WAL = float64(after.wal-before.wal) / n
	cell.Commits = float64(after.commits-before.commits) / n
	return cell, verify(ctx, pool, v.Workload, cell.Jobs)
}

// prefill makes jobs wait, in a table that is otherwise empty, or holds finished ones, and is vacuumed.
func prefill(ctx context.Context, pool *pgxpool.Pool, jobs int, keep bool) error {
	if !keep {
		if _, err := pool.Exec(ctx, "truncate "+riverSchema+".river_job"); err != nil {
			return err
		}
	}
	for _, sql := range []string{
		"truncate bench_effect",
		`insert into ` + riverSchema + `.river_job (kind, args, max_attempts)
			select 'bench', jsonb_build_object('n', n), 25 from generate_series(1, ` + fmt.Sprint(jobs) + `) n`,
		"vacuum (analyze) " + riverSchema + ".river_job",
		"checkpoint",
	} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the jobs: %w", err)
		}
	}
	return nil
}

// verify makes sure that the figures are about jobs that were done: each once, and nothing is left.
func verify(ctx context.Context, pool *pgxpool.Pool, workload string, jobs int) error {
	var unfinished, effects, doubled int
	err := pool.QueryRow(ctx, `select
		(select count(*) from `+riverSchema+`.river_job
			where queue = 'default' and state in ('available', 'running', 'retryable', 'scheduled', 'pending')),
		(select count(*) from bench_effect),
		(select count(*) from (select from bench_effect group by job_id having count(*) > 1) d)`).
		Scan(&unfinished, &effects, &doubled)
	if err != nil {
		return err
	}
	if want := map[string]int{NoOp: 0, WritesRow: jobs}[workload]; unfinished > 0 || doubled > 0 || effects != want {
		return fmt.Errorf("%d jobs were not done, %d effects (wanted %d), %d doubled", unfinished, effects, want, doubled)
	}
	return nil
}

// deserted waits until the measured process's sessions, which are not named as those of pool, have ended in the server too:
// what they did is counted then.
func deserted(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		var others int
		err := pool.QueryRow(ctx, `select count(*) from pg_stat_activity
			where datname = current_database() and backend_type = 'client backend'
				and application_name <> current_setting('application_name')`).Scan(&others)
		if err != nil {
			return fmt.Errorf("wait for the end of the measured sessions: %w", err)
		}
		if others == 0 {
			return nil
		}
		if err := sleepUntil(ctx, time.Now().Add(20*time.Millisecond)); err != nil {
			return fmt.Errorf("%d measured sessions do not end: %w", others, err)
		}
	}
}

type counters struct {
	cpu     time.Duration
	wal     int64
	commits int64
}

// countersOf reads what the server has done so far. Commits of other sessions are counted when these have ended.
func countersOf(ctx context.Context, pool *pgxpool.Pool) (c counters, err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return c, err
	}
	defer conn.Release()
	var backend int
	err = conn.QueryRow(ctx, `select pg_backend_pid(), pg_current_wal_lsn() - '0/0', xact_commit
		from pg_stat_database where datname = current_database()`).Scan(&backend, &c.wal, &c.commits)
	if err != nil {
		return c, fmt.Errorf("read the server's counters: %w", err)
	}
	if c.cpu, err = serverCPU(backend); err != nil {
		return c, nil // not this machine, or not Linux: the figure stays 0
	}
	return c, nil
}

// FillFinished puts rows of finished jobs into a migrated database, as a busy day leaves them.
func FillFinished(ctx context.Context, pool *pgxpool.Pool, rows int) error {
	_, err := pool.Exec(ctx, `insert into `+riverSchema+`.river_job
			(kind, args, max_attempts, state, attempt, attempted_at, created_at, scheduled_at, finalized_at, attempted_by)
		select 'bench', jsonb_build_object('n', n), 25, 'completed', 1, at, at, at, at, array['bench.1-finished']
		from (select n, now() - interval '20 hours' * (`+fmt.Sprint(rows)+` - n) / `+fmt.Sprint(max(rows, 1))+` as at
			from generate_series(1, `+fmt.Sprint(rows)+`) n) t`)
	if err == nil {
		_, err = pool.Exec(ctx, "vacuum (analyze) "+riverSchema+".river_job")
	}
	return err
}
