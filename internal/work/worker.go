package work

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/record"
)

const (
	// stopGrace is how long running jobs may go on after SIGTERM, before their contexts end; Heroku kills at 30 s.
	stopGrace = 20 * time.Second
	// ignoreFor is how long after that jobs may ignore it, before they are handed back over their heads.
	ignoreFor = 5 * time.Second
	// settleFor is how long a worker that stops waits for rows that others have locked.
	settleFor = time.Second
	// fetchCooldown bounds throughput (slots ÷ cooldown) and the wait for a second job right after a first.
	fetchCooldown = time.Millisecond
	// fetchPoll is the fallback where a notice was lost; notices make it rare.
	fetchPoll = time.Second
)

// Worker is a process that works jobs: a River client, and beside it the connection that proves it alive.
type Worker struct {
	id          string
	pool        *pgxpool.Pool
	opts        Options
	client      *Client
	gate        *pilot.Gate
	attempts    *pilot.Attempts
	aside       *pilot.Aside
	conn        *pilot.Conn
	liveness    *liveness
	maintenance *maintenance
	retries     retries
	recorder    *record.Recorder
	lines       attemptLines
}

// NewWorker returns a worker for o.Queues that runs once Run is called. pool is River's own: one connection is enough,
// and jobs must not use it, so that they cannot starve fetching, completing and leadership. Beside it the worker holds
// one connection. Programs run workers by the function Run, which opens the pools too.
func NewWorker(pool *pgxpool.Pool, o Options) (*Worker, error) {
	o.Grace = cmp.Or(o.Grace, stopGrace)
	w := &Worker{id: cmp.Or(o.Process, "worker") + "-" + rand.Text()[:10], pool: pool, opts: o}
	own := pool.Config().ConnConfig.Copy()
	own.RuntimeParams["application_name"] = "backlist " + w.id
	w.conn = pilot.NewConn(own, o.Schema, o.Log, o.PollOnly)
	driver := pilot.NewWorkerDriver(pool, w.id, w.conn, o.Log)
	w.gate, w.attempts, w.aside = driver.Gate, driver.Attempts, driver.Aside
	w.recorder, w.lines.out = record.NewRecorder(pool, w.id, o.Recording()), o.Log
	w.liveness = newLiveness(w.id, o, driver, rescuer{w.id, o.Schema, w.recorder, o.Log})
	w.conn.Opened, w.conn.Heartbeat, w.conn.Heard = w.liveness.opened, w.heartbeat, w.liveness.heard(w.conn)
	var err error
	if w.maintenance, err = newMaintenance(pool, w.id, o); err != nil {
		return nil, err
	}

	cfg := o.config()
	cfg.ID = w.id
	cfg.FetchCooldown, cfg.FetchPollInterval = fetchCooldown, cmp.Or(o.Poll, fetchPoll)
	cfg.FetchOnlyKnownKinds = true // a job of a newer release waits for a worker of that release
	cfg.JobTimeout = -1            // AddWorker keeps the limits
	cfg.SoftStopTimeout = o.Grace
	cfg.RetryPolicy = &w.retries
	cfg.ReindexerSchedule = river.NeverSchedule() // REINDEX is heavy on the smallest plan; an operator can run it
	cfg.Middleware = append(cfg.Middleware, river.WorkerMiddlewareFunc(w.execute))
	if w.recorder.Enabled() {
		cfg.Middleware = append(cfg.Middleware, keepLog())
	}
	cfg.Queues = map[string]river.QueueConfig{}
	for name, slots := range o.Queues {
		cfg.Queues[name] = river.QueueConfig{MaxWorkers: slots}
	}
	cfg.Queues[pilot.IsolationQueue] = pilot.IsolationConfig() // also where o has another opinion
	w.client, err = river.NewClient(driver, cfg)
	return w, err
}

// ID is the worker's name in work.worker and in its jobs' attempted_by.
func (w *Worker) ID() string { return w.id }

// Slots is how many jobs the worker runs at once.
func (w *Worker) Slots() int { return w.liveness.slots }

// Run works until ctx ends, calling ready when it has begun. Then it fetches nothing more, gives running jobs 20 s, and
// hands back what is left without spending an attempt, even of jobs that ignore their context: within 29 s it returns.
func (w *Worker) Run(ctx context.Context, ready func()) error {
	connCtx, closeConn := context.WithCancel(context.WithoutCancel(ctx))
	defer closeConn()
	defer w.recorder.Start(connCtx)()
	go w.conn.Run(connCtx)
	go w.liveness.watch(connCtx)
	stopAside := background(connCtx, w.aside.Run)
	defer stopAside()
	select { // a worker that is not known could not be told from a dead one
	case <-w.liveness.known:
	case <-ctx.Done():
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("the database did not let this worker register within 30 s")
	}
	defer w.deregister(context.WithoutCancel(ctx))
	if err := w.opts.Workers.Register(ctx, w.pool, w.opts.Release); pilot.IsContended(err) {
		w.opts.Log.WarnContext(ctx, "a kind's row is locked by others: jobs.enqueue and masking follow the earlier release until it is free", "err", err)
		defer background(connCtx, w.registerLater)()
	} else if err != nil {
		return unlessEnded(ctx, err)
	}
	if err := w.client.Start(ctx); err != nil {
		return unlessEnded(ctx, fmt.Errorf("start working: %w", err))
	}
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		w.maintenance.run(ctx, nil)
	}()
	ready()
	<-ctx.Done()
	w.gate.SetStopping()
	select {
	case <-w.client.Stopped():
	case <-time.After(w.opts.Grace + ignoreFor):
		w.opts.Log.WarnContext(ctx, "jobs ignore the end of their context: they are handed back")
	}
	<-kept
	stopAside()
	w.settle(context.WithoutCancel(ctx))
	return nil
}

// settle gives outcomes whose rows others have locked a last chance. Jobs that keep theirs are rescued, and run once more.
func (w *Worker) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	w.aside.Settle(ctx)
	if ids := w.aside.Waiting(); len(ids) > 0 {
		w.opts.Log.WarnContext(ctx, "jobs have ended whose rows are locked by others: they will run once more", "job_ids", ids)
	}
}

// registerLater makes the kinds known once others have unlocked their rows.
func (w *Worker) registerLater(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, lookEvery)
		if w.opts.Workers.Register(ctx, w.pool, w.opts.Release) == nil {
			return
		}
	}
}

// unlessEnded is nil where the cause of err is that we were told to stop.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// heartbeat is the liveness's, and looks for cancelled jobs.
func (w *Worker) heartbeat(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	next, err := w.liveness.heartbeat(ctx, conn)
	if err != nil {
		return 0, err
	}
	if err := w.endCancelled(ctx, conn); err != nil && conn.IsClosed() {
		return 0, err
	} else if err != nil {
		w.opts.Log.WarnContext(ctx, "cancelled jobs are not looked for; it is tried again", "err", err)
	}
	return next, nil
}

// deregister marks this worker as stopped and hands back jobs that still run here. If the database is away, others will
// find this worker dead instead.
func (w *Worker) deregister(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := w.conn.Do(ctx, w.liveness.deregister); err != nil {
		w.opts.Log.WarnContext(ctx, "could not deregister; others will declare this worker dead", "err", err)
	}
}
