package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Variant is one line of bench work's table.
type Variant struct {
	Name      string
	Contender string
	Workload  string
	Finished  bool // with Throughput.Finished finished jobs in the table
	Snapshot  bool // while a snapshot is held open for the whole turn, with fourfold jobs
	Share     int  // it gets one in Share of the jobs, because they take longer; 0 means 1
}

// Throughput is a run of bench work.
//
// On two cores CPU time limits Backlist (measured in November 2026, 30,000 no-op jobs a second): a job takes 29 µs of
// the worker and 28 µs of Postgres, 12 of which record it. To double the throughput, a job would have to be written
// once instead of twice: leased in blocks, and moved to a table of finished jobs when it ends; and only some of the
// successful attempts could be kept. A job that writes a row has its own transaction, with four round trips and a flush
// to disk. To double that, several jobs would have to share a transaction, and fail together.
type Throughput struct {
	Rounds   int
	Jobs     int
	Finished int // finished jobs in the table of variants that are measured with them
	Conns    int
	Variants []Variant

	// Database returns a migrated database for a contender, empty or with finished jobs, and with the table
	// bench_effect (job_id bigint).
	Database func(ctx context.Context, contender string, finished bool) (*pgxpool.Pool, error)
	// Process runs WorkOff in a separate process.
	Process func(ctx context.Context, s Setup) (Elapsed, error)
	// Done is called after each cell.
	Done func(WorkCell)
}

// WorkCell is one variant in one round.
type WorkCell struct {
	Round     int     `json:"round"`
	Variant   string  `json:"variant"`
	Jobs      int     `json:"jobs"`
	PerSecond float64 `json:"jobs_per_second"`
	WorkerCPU float64 `json:"worker_cpu_us_per_job"`
	ServerCPU float64 `json:"postgres_cpu_us_per_job"` // 0 if the system does not report it
	WAL       float64 `json:"wal_bytes_per_job"`
	Commits   float64 `json:"commits_per_job"`
}

// Run measures all variants in turn; each round begins with a different one.
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
	if v.Snapshot {
		cell.Jobs *= 4
	}
	if err := prefill(ctx, pool, v.Workload, cell.Jobs, v.Finished); err != nil {
		return cell, err
	}
	if v.Snapshot {
		release, err := holdSnapshot(ctx, pool)
		if err != nil {
			return cell, err
		}
		defer release()
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

// holdSnapshot opens a snapshot, as a forgotten transaction does, until release is called.
func holdSnapshot(ctx context.Context, pool *pgxpool.Pool) (release func(), err error) {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return nil, err
	}
	release = func() { _ = tx.Rollback(context.WithoutCancel(ctx)) } // it only reads
	if _, err := tx.Exec(ctx, "select from "+riverSchema+".river_job limit 1"); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// prefill inserts waiting jobs into a table that is empty or has only finished jobs, and vacuums it.
func prefill(ctx context.Context, pool *pgxpool.Pool, workload string, jobs int, keep bool) error {
	kind, queue := WorkArgs{}.Kind(), river.QueueDefault
	if workload == BriefNoOp || workload == BriefWritesRow {
		kind, queue = BriefArgs{}.Kind(), BriefArgs{}.InsertOpts().Queue
	}
	if !keep {
		if _, err := pool.Exec(ctx, "truncate "+riverSchema+".river_job"); err != nil {
			return err
		}
	}
	for _, sql := range []string{
		"truncate bench_effect",
		`insert into ` + riverSchema + `.river_job (kind, queue, args, max_attempts)
			select '` + kind + `', '` + queue + `', jsonb_build_object('n', n), 25 from generate_series(1, ` + fmt.Sprint(jobs) + `) n`,
		"vacuum (analyze) " + riverSchema + ".river_job",
		"checkpoint",
	} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the jobs: %w", err)
		}
	}
	return nil
}

// verify checks that every job was done exactly once, so that the figures are valid.
func verify(ctx context.Context, pool *pgxpool.Pool, workload string, jobs int) error {
	var unfinished, effects, doubled int
	err := pool.QueryRow(ctx, `select
		(select count(*) from `+riverSchema+`.river_job
			where queue in ('default', 'bench_brief', 'singly') and state in ('available', 'running', 'retryable', 'scheduled', 'pending')),
		(select count(*) from bench_effect),
		(select count(*) from (select from bench_effect group by job_id having count(*) > 1) d)`).
		Scan(&unfinished, &effects, &doubled)
	if err != nil {
		return err
	}
	if want := map[string]int{NoOp: 0, WritesRow: jobs, BriefWritesRow: jobs}[workload]; unfinished > 0 || doubled > 0 || effects != want {
		return fmt.Errorf("%d jobs were not done, %d effects (wanted %d), %d doubled", unfinished, effects, want, doubled)
	}
	return nil
}

// deserted waits until the sessions of the measured process, which have another name than those of pool, have ended in
// the server, because their activity is counted only then.
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
			return fmt.Errorf("%d measured sessions did not end: %w", others, err)
		}
	}
}

type counters struct {
	cpu     time.Duration
	wal     int64
	commits int64
}

// countersOf reads the server's counters. Commits of other sessions are counted when those have ended.
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
		return c, nil // a remote server, or not Linux: the figure stays 0
	}
	return c, nil
}

// FillFinished inserts finished jobs into a migrated database, as after a busy day.
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
