package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// The patterns of bench latency. Each uses its own transactions at random moments.
const (
	Commits        = "a row, no job"         // insert a row, as a baseline for this machine's disk and cores
	Singles        = "singles"               // enqueue one job at a time
	Disorder       = "pairs and rollbacks"   // enqueue two jobs, and roll back one transaction in five
	Polling        = "polling only"          // singles, without notices for the worker
	Cancels        = "cancels"               // cancel jobs that run until their context ends
	PollingCancels = "cancels, polling only" // the same without notices, which River does not offer
)

// latencyConns is how many connections each client has. A worker process of ours has four times as many, of which a quarter
// is the worker's own; the others are for its jobs, which use none here.
const latencyConns = 4

// Latency is a run of bench latency. It measures how long after the commit of its transaction a job starts, or its
// context is cancelled. Commits shows how much of that is due to the machine: a job starts after one more commit, that
// of its fetch.
type Latency struct {
	Rounds    int
	PerSecond int           // jobs, on average
	For       time.Duration // of one cell
	Idle      time.Duration // how long an idle worker is observed
	Database  func(ctx context.Context, contender string) (*pgxpool.Pool, error)
	Done      func(LatencyCell)
}

// LatencyCell is the result of one contender in one round with one pattern.
type LatencyCell struct {
	Round     int     `json:"round"`
	Contender string  `json:"contender"`
	Pattern   string  `json:"pattern"`
	Jobs      int     `json:"jobs"`
	P50       float64 `json:"p50_ms"` // from the return of the commit; 0 if the job was earlier
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
}

// Run measures all contenders in turn.
func (l Latency) Run(ctx context.Context) ([]LatencyCell, error) {
	var cells []LatencyCell
	for round := range l.Rounds {
		for _, pattern := range latencyPatterns() {
			for _, contender := range latencyContenders(pattern) {
				cell, err := l.measure(ctx, contender, pattern)
				if err != nil {
					return cells, fmt.Errorf("%s, %s: %w", contender, pattern, err)
				}
				cell.Round = round + 1
				cells = append(cells, cell)
				l.Done(cell)
			}
		}
	}
	return cells, nil
}

func latencyPatterns() []string {
	return []string{Commits, Singles, Disorder, Polling, Cancels, PollingCancels}
}

func latencyContenders(pattern string) []string {
	switch pattern {
	case Commits:
		return []string{Postgres}
	case PollingCancels:
		return []string{Ours}
	}
	return []string{RiverDefaults, RiverTuned, Ours}
}

func (l Latency) measure(ctx context.Context, contender, pattern string) (LatencyCell, error) {
	cell := LatencyCell{Contender: contender, Pattern: pattern}
	db, err := l.Database(ctx, contender)
	if err != nil {
		return cell, err
	}
	if _, err := db.Exec(ctx, "truncate "+riverSchema+".river_job"); err != nil {
		return cell, err
	}
	took, err := l.drive(ctx, db, contender, pattern)
	if err != nil {
		return cell, err
	}
	cell.Jobs = len(took)
	cell.P50, cell.P99 = Milliseconds(Percentile(took, 0.5)), Milliseconds(Percentile(took, 0.99))
	cell.Max = Milliseconds(Percentile(took, 1))
	return cell, nil
}

// drive starts the contender, measures, and stops it.
func (l Latency) drive(ctx context.Context, pool *pgxpool.Pool, contender, pattern string) (took []time.Duration, err error) {
	s := &stopwatch{ended: make(chan struct{}, 1)}
	if pattern == Commits {
		return l.commit(ctx, pool, s)
	}
	run, running := func(_ context.Context, n int) { s.start(n) }, make(chan struct{}, riverSlots)
	if pattern == Cancels || pattern == PollingCancels {
		run = func(ctx context.Context, n int) {
			running <- struct{}{}
			<-ctx.Done()
			s.start(n)
		}
	}
	client, err := newLatencyClient(ctx, pool.Config().ConnString(), contender, pattern == Polling || pattern == PollingCancels, run)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.stop()) }()
	if pattern == Cancels || pattern == PollingCancels {
		return l.cancel(ctx, pool, s, client, running)
	}
	return l.enqueue(ctx, pool, s, pattern, client)
}

// commit inserts rows at random moments and measures the duration of each transaction.
func (l Latency) commit(ctx context.Context, pool *pgxpool.Pool, s *stopwatch) ([]time.Duration, error) {
	err := l.atRandom(ctx, 1, func(n int, _ bool) error {
		s.note(&s.committed, n)
		_, err := pool.Exec(ctx, "insert into bench_effect (job_id) values ($1)", n)
		s.start(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.wait(ctx)
}

// enqueue enqueues at random moments, independently of the jobs' progress, and waits until each has started.
func (l Latency) enqueue(ctx context.Context, pool *pgxpool.Pool, s *stopwatch, pattern string, client latencyClient) ([]time.Duration, error) {
	together := 1
	if pattern == Disorder {
		together = 2
	}
	err := l.atRandom(ctx, together, func(first int, unlucky bool) error {
		for i := range together {
			if err := s.enqueue(ctx, pool, first+i, pattern == Disorder && unlucky && i == 0, client); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.wait(ctx)
}

// atRandom calls do at random moments, without waiting for earlier calls. Each call is for together jobs, and gets the
// number of the first. Gaps are exponential, as between independent visitors; one call in five is unlucky.
func (l Latency) atRandom(ctx context.Context, together int, do func(first int, unlucky bool) error) error {
	random := rand.New(rand.NewPCG(1, 2))
	gap := float64(time.Second) * float64(together) / float64(l.PerSecond)
	begin := time.Now() // one start for both, so that the same seeds make the same number of calls on any machine
	end := begin.Add(l.For)
	var group errgroup.Group
	for n, next := 0, begin; next.Before(end); next = next.Add(time.Duration(random.ExpFloat64() * gap)) {
		if err := sleepUntil(ctx, next); err != nil {
			return errors.Join(err, group.Wait())
		}
		first, unlucky := n, random.IntN(5) == 0
		n += together
		group.Go(func() error { return do(first, unlucky) })
	}
	return group.Wait()
}

func sleepUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// IdleQueries returns the number of transactions per second of an idle worker of ours with one queue.
func (l Latency) IdleQueries(ctx context.Context) (float64, error) {
	db, err := l.Database(ctx, Ours)
	if err != nil {
		return 0, err
	}
	client, err := newLatencyClient(ctx, db.Config().ConnString(), Ours, false, func(context.Context, int) {})
	if err != nil {
		return 0, err
	}
	defer func() { _ = client.stop() }()
	// By then the queries of the start are counted: Postgres lets an idle session keep its counts for 10 s.
	if err := sleepUntil(ctx, time.Now().Add(l.Idle/2)); err != nil {
		return 0, err
	}
	before, err := countersOf(ctx, db)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := sleepUntil(ctx, began.Add(l.Idle)); err != nil {
		return 0, err
	}
	after, err := countersOf(ctx, db)
	return float64(after.commits-before.commits) / time.Since(began).Seconds(), err
}
