package work

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/brief"
	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/record"
)

const (
	// stopGrace is how long running jobs may continue after SIGTERM before their contexts end; Heroku kills at 30 s.
	stopGrace = 20 * time.Second
	// ignoreFor is how long a job may ignore the end of its context before it is handed back although it still runs.
	ignoreFor = 5 * time.Second
	// settleFor is how long a stopping worker waits for rows that other sessions have locked.
	settleFor = time.Second
	// fetchCooldown bounds throughput (slots ÷ cooldown) and the wait for a second job right after a first.
	fetchCooldown = time.Millisecond
	// fetchPoll is how often River polls for jobs. Heartbeats do so every second, but they end while the worker's own connection is
	// down.
	fetchPoll = 10 * time.Second
)

// Worker works jobs: it is a River client, with a connection of its own that sends its heartbeats.
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
	lane        *brief.Lane // of brief jobs; nil if there are none
	retries     retries
	recorder    *record.Recorder
	lines       attemptLines
}

// NewWorker returns a worker for o.Queues that starts when Run is called. pool is for River: one connection is enough, and
// jobs must not use it, so that they cannot starve fetching, completing and leadership. In addition the worker holds one
// connection. Programs run workers by the function Run, which opens the pools too.
func NewWorker(pool *pgxpool.Pool, o Options) (*Worker, error) {
	if err := o.Workers.checkBrief(); err != nil {
		return nil, err
	}
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
	w.maintenance.told = make(chan due, 1)
	w.liveness.tell, w.liveness.wake = w.maintenance.tell, driver.Wake
	w.liveness.poll = func() []string { return nil }
	if o.Poll == 0 {
		polled := append(slices.Sorted(maps.Keys(o.ordinaryQueues())), pilot.IsolationQueue)
		if len(o.briefKinds()) > 0 {
			polled = append(polled, pilot.SinglyQueue)
		}
		w.liveness.poll = func() []string { return driver.Idle(polled, heartbeatEvery/2) }
	}

	cfg := o.config()
	cfg.ID = w.id
	cfg.FetchCooldown, cfg.FetchPollInterval = fetchCooldown, w.poll()
	cfg.FetchOnlyKnownKinds = true // a job of a newer release waits for a worker of that release
	cfg.JobTimeout = -1            // AddWorker enforces the limits
	cfg.SoftStopTimeout = o.Grace
	cfg.RetryPolicy = &w.retries
	cfg.ReindexerSchedule = river.NeverSchedule() // REINDEX is heavy on the smallest plan; an operator can run it
	cfg.Middleware = append(cfg.Middleware, river.WorkerMiddlewareFunc(w.execute))
	if w.recorder.Enabled() {
		cfg.Middleware = append(cfg.Middleware, keepLog())
	}
	cfg.Queues = map[string]river.QueueConfig{}
	for name, slots := range o.ordinaryQueues() {
		cfg.Queues[name] = river.QueueConfig{MaxWorkers: slots}
	}
	cfg.Queues[pilot.IsolationQueue] = pilot.IsolationConfig(o.Poll) // even if o.Queues has that queue
	if w.lane = w.newLane(); w.lane != nil {
		w.conn.Noticed = w.lane.Noticed
		cfg.Queues[pilot.SinglyQueue] = river.QueueConfig{MaxWorkers: singlySlots, FetchPollInterval: max(singlyPoll, w.poll())}
	}
	w.client, err = river.NewClient(driver, cfg)
	return w, err
}

// ID returns the worker's name in work.worker and in its jobs' attempted_by.
func (w *Worker) ID() string { return w.id }

// Slots returns how many jobs the worker runs at once.
func (w *Worker) Slots() int { return w.liveness.slots }

// poll returns how often the worker looks for jobs whose notice was lost.
func (w *Worker) poll() time.Duration { return cmp.Or(w.opts.Poll, fetchPoll) }

// Run works jobs until ctx ends, and calls ready once it takes them. Then it stops fetching, gives running jobs 20 s, and hands
// back the rest without using up an attempt, even jobs that ignore their context. It returns within 29 s.
func (w *Worker) Run(ctx context.Context, ready func()) error {
	connCtx, closeConn := context.WithCancel(context.WithoutCancel(ctx))
	defer closeConn()
	defer w.recorder.Start(connCtx)()
	go w.conn.Run(connCtx)
	go w.liveness.watch(connCtx)
	stopAside := background(connCtx, w.aside.Run)
	defer stopAside()
	select { // other workers could not tell an unregistered worker from a dead one
	case <-w.liveness.registered:
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
	stopMaintenance := background(ctx, func(ctx context.Context) { w.maintenance.run(ctx, nil) })
	stopLane := func() {}
	if w.lane != nil {
		stopLane = background(ctx, w.lane.Run)
	}
	ready()
	<-ctx.Done()
	w.gate.SetStopping()
	select {
	case <-w.client.Stopped():
	case <-time.After(w.opts.Grace + ignoreFor):
		w.opts.Log.WarnContext(ctx, "jobs still run although their contexts have ended: they are handed back")
	}
	stopLane()
	stopMaintenance()
	stopAside()
	w.settle(context.WithoutCancel(ctx))
	return nil
}

// settle tries a last time to store the outcomes of jobs whose rows other sessions have locked. Jobs whose outcomes are still
// not stored will be rescued, and run once more.
func (w *Worker) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	w.aside.Settle(ctx)
	if ids := w.aside.Waiting(); len(ids) > 0 {
		w.opts.Log.WarnContext(ctx, "outcomes were not stored because other sessions have the jobs' rows locked: the jobs will run once more", "job_ids", ids)
	}
}

// registerLater registers the kinds once their rows are no longer locked.
func (w *Worker) registerLater(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, lookEvery)
		if w.opts.Workers.Register(ctx, w.pool, w.opts.Release) == nil {
			return
		}
	}
}

// unlessEnded returns err, or nil if ctx has ended: then err only means that the worker was told to stop.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// heartbeat sends the heartbeat and looks for cancelled jobs.
func (w *Worker) heartbeat(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	next, err := w.liveness.heartbeat(ctx, conn)
	if err != nil {
		return 0, err
	}
	if err := w.endCancelled(ctx, conn); err != nil && conn.IsClosed() {
		return 0, err
	} else if err != nil {
		w.opts.Log.WarnContext(ctx, "could not look for cancelled jobs; will retry", "err", err)
	}
	return next, nil
}

// deregister marks this worker as stopped and hands back jobs that still run here. If the database is away, other workers will
// declare this worker dead instead.
func (w *Worker) deregister(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := w.conn.Do(ctx, w.liveness.deregister); err != nil {
		w.opts.Log.WarnContext(ctx, "could not deregister; others will declare this worker dead", "err", err)
	}
}
