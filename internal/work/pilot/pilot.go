// Package pilot implements the interface that River's own extensions use, the pilot, and is the only package to do so. River
// marks that interface as internal. So River is pinned to an exact version, a test in this package fails when the interface
// changes, and a client without this package still works correctly, only less promptly and with less protection.
package pilot

import (
	"context"
	_ "embed"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivershared/baseservice"
	"github.com/riverqueue/river/rivershared/riverpilot"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

//go:embed sql/put_back.sql
var putBackSQL string

// Driver is River's pgx driver with our pilot plugged in and, for worker processes, our listener.
type Driver struct {
	*riverpgxv5.Driver
	pilot    riverpilot.Pilot
	listener riverdriver.Listener
}

// NewDriver returns a driver over pool. A nil pool makes a driver for transactions only, as River's own does.
func NewDriver(pool *pgxpool.Pool) *Driver {
	return &Driver{Driver: riverpgxv5.New(pool), pilot: &Pilot{}}
}

// WorkerDriver is the driver of a worker process, with the parts of our pilot that the process uses directly.
type WorkerDriver struct {
	*Driver
	Gate     *Gate
	Attempts *Attempts
	Aside    *Aside
}

// NewWorkerDriver returns a driver for a worker process: the gate controls its fetches, its notices come through conn, and
// outcomes of jobs whose rows are locked are set aside.
func NewWorkerDriver(pool *pgxpool.Pool, clientID string, conn *Conn, log *slog.Logger) *WorkerDriver {
	attempts := newAttempts(clientID)
	p := &Pilot{pool: pool, gate: newGate(attempts, conn.wake), attempts: attempts, conn: conn, aside: newAside(attempts, log), places: &places{queues: map[string]*queuePlaces{}}, log: log}
	d := &Driver{Driver: riverpgxv5.New(pool), pilot: p, listener: &Listener{conn: conn}}
	p.aside.store = func(ctx context.Context, batch *outcomes) error {
		_, err := p.store(ctx, d.GetExecutor(), batch, p.completeUnlocked)
		return err
	}
	return &WorkerDriver{Driver: d, Gate: p.gate, Attempts: attempts, Aside: p.aside}
}

// GetExecutor hands River its connections, whose transactions are those of UnwrapExecutor.
func (d *Driver) GetExecutor() riverdriver.Executor { return executor{d.Driver.GetExecutor()} }

type executor struct{ riverdriver.Executor }

func (e executor) Begin(ctx context.Context) (riverdriver.ExecutorTx, error) {
	tx, err := e.Executor.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &announced{tx}, nil
}

// UnwrapExecutor hands River tx without its notice of an insert: the pilot sends one with every insert, and River's would be a second
// one, in a round trip of its own.
func (d *Driver) UnwrapExecutor(tx pgx.Tx) riverdriver.ExecutorTx {
	return &announced{d.Driver.UnwrapExecutor(tx)}
}

// UnwrapTx returns the transaction of UnwrapExecutor.
func (d *Driver) UnwrapTx(exec riverdriver.ExecutorTx) pgx.Tx { return unwrapTx(exec) }

func unwrapTx(exec riverdriver.ExecutorTx) pgx.Tx {
	if a, ok := exec.(*announced); ok {
		exec = a.ExecutorTx
	}
	return new(riverpgxv5.Driver).UnwrapTx(exec)
}

// announced is a transaction whose inserts the pilot announces. River's other notices, as of a paused queue, remain.
type announced struct{ riverdriver.ExecutorTx }

func (a *announced) NotifyMany(ctx context.Context, params *riverdriver.NotifyManyParams) error {
	if params.Topic == "river_insert" {
		return nil
	}
	return a.ExecutorTx.NotifyMany(ctx, params)
}

// Idle returns those of the queues from which this process has fetched nothing for some time, for the caller to look whether they
// have jobs. It wakes queues itself where looking costs as much as a fetch.
func (d *WorkerDriver) Idle(queues []string, since time.Duration) []string {
	p := d.pilot.(*Pilot)
	return p.places.idle(queues, since, p.conn.wake)
}

// Wake makes River fetch from a queue.
func (d *WorkerDriver) Wake(queue string) { d.pilot.(*Pilot).conn.wake(queue) }

// PluginInit satisfies River's plugin interface; there is nothing to set up.
func (d *Driver) PluginInit(*baseservice.Archetype) {}

// PluginPilot hands River our pilot.
func (d *Driver) PluginPilot() riverpilot.Pilot { return d.pilot }

// GetListener hands River our listener, or River's own if there is none.
func (d *Driver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	if d.listener == nil {
		return d.Driver.GetListener(params)
	}
	return d.listener
}

// Pilot overrides parts of River's standard pilot. All its fields are nil in processes that only enqueue.
type Pilot struct {
	riverpilot.StandardPilot
	pool     *pgxpool.Pool
	gate     *Gate
	attempts *Attempts
	conn     *Conn
	aside    *Aside
	places   *places
	log      *slog.Logger
}

// JobGetAvailable fetches as River does, unless this process drains, stops, or may have been declared dead.
func (p *Pilot) JobGetAvailable(
	ctx context.Context, exec riverdriver.Executor, state riverpilot.ProducerState, params *riverdriver.JobGetAvailableParams,
) (*riverdriver.JobGetAvailableResult, error) {
	if p.gate == nil || params.MaxToLock <= 0 {
		return p.StandardPilot.JobGetAvailable(ctx, exec, state, params)
	}
	if params.Queue == IsolationQueue {
		if turn, err := p.isolationTurn(ctx, exec, params); err != nil || !turn {
			return &riverdriver.JobGetAvailableResult{}, err
		}
	}
	if !p.gate.enter(params.Queue) {
		return &riverdriver.JobGetAvailableResult{}, nil
	}
	res, err := p.fetch(ctx, params)
	if err != nil {
		p.gate.leave(params.Queue, 0)
		return nil, err
	}
	kept := res.Jobs[:0]
	for _, job := range res.Jobs {
		if p.attempts.take(job) {
			kept = append(kept, job)
		} else if err := p.putBack(ctx, exec, params.Schema, job.ID); err != nil {
			p.log.WarnContext(ctx, "a job could not be put back; it will be rescued", "job_id", job.ID, "err", err)
		}
	}
	res.Jobs = kept
	if len(kept) >= togetherFrom {
		p.conn.repoll(params.Queue)
	}
	p.gate.leave(params.Queue, len(kept))
	return res, nil
}

// ownTimeout bounds the statements that we add to River's fetch: a connection may be cut without a word.
const ownTimeout = 5 * time.Second

// putBack returns a job to its queue that was just fetched although this process still has an earlier attempt of it. The new
// attempt keeps its number, so that the fence can tell the two apart, but one more attempt is allowed in return.
func (p *Pilot) putBack(ctx context.Context, exec riverdriver.Executor, schema string, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, ownTimeout)
	defer cancel()
	var back int
	return exec.QueryRow(ctx, db.Statement(putBackSQL, schema), pgx.NamedArgs{"id": id}).Scan(&back)
}

// JobGetStuck turns River's rescuer off: a job is lost if its worker is dead, which package work decides, and not if it takes
// long. River's rescuer would also discard jobs of kinds that the leader does not know.
func (p *Pilot) JobGetStuck(context.Context, riverdriver.Executor, *riverdriver.JobGetStuckParams) ([]*rivertype.JobRow, error) {
	return nil, nil
}

// ProducerInit returns a state that River calls when a job has ended.
func (p *Pilot) ProducerInit(
	ctx context.Context, exec riverdriver.Executor, params *riverpilot.ProducerInitParams,
) (int64, riverpilot.ProducerState, error) {
	id, state, err := p.StandardPilot.ProducerInit(ctx, exec, params)
	if err != nil || p.gate == nil {
		return id, state, err
	}
	return id, producer{p.gate}, nil
}

type producer struct{ gate *Gate }

// JobFinish is called by River when the job's goroutine is done; the outcome may not be written yet.
func (s producer) JobFinish(job *rivertype.JobRow) { s.gate.endedJob(job) }
