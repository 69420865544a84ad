package work

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/pilot"
)

//go:embed sql/heartbeat.sql
var heartbeatSQL string

// lookSQL also asks what maintenance does (see dueSQL), so that an idle worker sends one statement a second.
var lookSQL = heartbeatSQL + ", due.* from (" + dueSQL + ") as due"

const (
	// heartbeatEvery is how often a worker sends a heartbeat.
	heartbeatEvery = time.Second
	// stopAfter is how long a worker continues without a confirmed heartbeat. Other workers wait longer before they take its
	// jobs (silentDead in rescue.go), so that it stops first if it is still running.
	stopAfter = 8 * time.Second
	// grace is how long after reconnecting a process declares no worker dead: the same outage may have cut off other workers.
	grace = 10 * time.Second
	// rescueEvery is how often a worker checks the running jobs although no worker seems to have died. It looks for jobs of
	// unregistered clients, and for jobs that it fetched itself but never received.
	rescueEvery = 10 * time.Second

	controlChannel = "work_control"

	// CodeDeclaredDead is the code of the log line of a worker that was declared dead although it is alive.
	CodeDeclaredDead = "declared_dead"
)

// liveness is a worker's row in work.worker: heartbeats, draining, and the rescue of dead workers' jobs.
type liveness struct {
	id       string
	opts     Options
	gate     *pilot.Gate
	attempts *pilot.Attempts
	poll     func() []string // the queues to poll, if not River does
	wake     func(queue string)
	tell     func(due) // maintenance
	log      *slog.Logger
	lockKey  int64
	started  time.Time
	slots    int
	queues   []string

	rescuer rescuer

	registered     chan struct{} // closed once the row exists
	registeredOnce sync.Once
	confirmed      atomic.Int64 // when the last confirmed heartbeat was sent, in nanoseconds since started (monotonic)

	// Only the connection's goroutine uses these.
	rescueFrom time.Time // until then it declares no worker dead
	rescuedAt  time.Time // when it last looked for jobs to rescue
	failing    bool      // the latest rescue failed
	locked     bool      // the connection has the session lock
	hindered   bool      // a lock was in the way of the latest heartbeat
	draining   bool
}

func newLiveness(id string, o Options, driver *pilot.WorkerDriver, r rescuer) *liveness {
	l := &liveness{
		id: id, opts: o, gate: driver.Gate, attempts: driver.Attempts, log: o.Log, rescuer: r,
		registered: make(chan struct{}), lockKey: rand.Int64N(1 << 62), started: time.Now(),
	}
	queues := o.ordinaryQueues()
	l.queues = slices.Collect(maps.Keys(queues))
	for i, k := range o.briefKinds() {
		if i == 0 {
			l.queues = append(l.queues, pilot.SinglyQueue)
		}
		l.queues = append(l.queues, k.Queue)
	}
	slices.Sort(l.queues)
	for _, n := range queues {
		l.slots += n
	}
	return l
}

// opened prepares a new connection: it has no session lock yet, and it listens for changes of draining.
func (l *liveness) opened(ctx context.Context, conn *pgx.Conn, again bool) error {
	l.locked = false
	if again {
		l.rescueFrom = time.Now().Add(grace)
	}
	if l.opts.PollOnly {
		return nil
	}
	_, err := conn.Exec(ctx, "listen "+controlChannel)
	return err
}

// heard handles the notices on controlChannel: an operator changed whether a worker drains. A heartbeat reads the change.
func (l *liveness) heard(conn *pilot.Conn) func(channel, payload string) {
	return func(_, payload string) {
		if payload == l.id {
			conn.HeartbeatNow()
		}
	}
}

// heartbeat calls report, and repeats it soon if a lock was in its way: an error would close the connection, and with it the
// session lock by which other workers see that this one is alive. The repetition does not ask what is due, because that reads
// tables that an operator may have locked.
func (l *liveness) heartbeat(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	next, err := l.report(ctx, conn)
	if l.hindered = pilot.IsContended(err); l.hindered {
		return lookAgainIn, nil
	}
	return next, db.ExplainReadOnly(err)
}

// report tells the database that this worker is alive, learns whether it was declared dead and whether it is to drain, and
// rescues jobs of dead workers. It returns how long to wait until the next.
func (l *liveness) report(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	sent := time.Since(l.started)
	if !l.locked && !l.opts.PollOnly {
		// An earlier connection may still have the lock, which is as good for now: the next heartbeat tries again.
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", l.lockKey).Scan(&l.locked); err != nil {
			return 0, err
		}
	}
	running, fetching := l.gate.Running()
	dyno, index := l.dyno()
	var wasDead, draining, lost bool
	var deadIn float64 // seconds until another worker counts as dead
	var waiting []string
	sql, into := heartbeatSQL, []any{&wasDead, &draining, &lost, &deadIn, &waiting}
	var idle []string
	var job, schedule float64
	var waits due
	look := !l.hindered
	if look {
		idle, sql, into = l.poll(), lookSQL, append(into, &job, &schedule, &waits.bulk, &waits.findings)
	}
	err := conn.QueryRow(ctx, db.Statement(sql, l.opts.Schema), pgx.NamedArgs{
		"id": l.id, "dyno": dyno, "index": index, "release": l.opts.Release, "slots": l.slots, "running": running, "rss": rss(),
		"lock_key": l.lockKey, "locked": l.locked, "queues": l.queues, "kinds": l.opts.Workers.names(),
		"drained": l.draining && !fetching, "quick": quickDead.Seconds(), "silent": silentDead.Seconds(),
		"idle": idle,
	}).Scan(into...)
	if err != nil {
		return 0, err
	}
	if look {
		l.tell(waits.in(job, schedule))
	}
	for _, queue := range waiting {
		l.wake(queue)
	}
	if wasDead {
		l.log.WarnContext(ctx, "this worker was declared dead; its jobs run elsewhere", "code", CodeDeclaredDead, "worker", l.id)
		l.attempts.Cancel(ErrLost)
	}
	l.confirmed.Store(int64(sent))
	l.gate.SetDead(nil)
	acknowledge := draining && !l.draining
	if draining != l.draining {
		l.draining = draining
		l.gate.SetDraining(draining)
		l.log.InfoContext(ctx, "draining", "worker", l.id, "on", draining)
	}
	if (lost || time.Since(l.rescuedAt) > rescueEvery) && time.Now().After(l.rescueFrom) {
		// A failed rescue must not close the connection, and with it the lock that shows that this worker is alive.
		if err := l.rescue(ctx, conn); err != nil && conn.IsClosed() {
			return 0, fmt.Errorf("rescue: %w", err)
		} else if pilot.IsContended(err) {
			l.rescuedAt = time.Time{} // the next heartbeat tries again
		} else if err != nil && !l.failing {
			l.log.ErrorContext(ctx, "cannot rescue jobs of dead workers; will retry", "err", err)
			l.failing = true
		} else if err == nil {
			l.failing = false
		}
	}
	l.registeredOnce.Do(func() { close(l.registered) }) // after the rescue, which may concern what this worker takes first
	if acknowledge {
		return 10 * time.Millisecond, nil // by then a fetch in flight is over
	}
	return min(heartbeatEvery, max(time.Duration(deadIn*float64(time.Second)), 50*time.Millisecond)), nil
}

// watch ends the contexts of this worker's jobs when no heartbeat has been confirmed for stopAfter, because other workers may
// soon take the jobs. It uses the monotonic clock, which runs on while the process is suspended.
func (l *liveness) watch(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for dead := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		silent := time.Since(l.started) - time.Duration(l.confirmed.Load())
		if silent > stopAfter && !dead {
			l.log.WarnContext(ctx, "heartbeat not confirmed: running jobs are cancelled and no new ones fetched", "worker", l.id, "silent", silent)
			l.gate.SetDead(ErrLost)
		}
		dead = silent > stopAfter
	}
}

// doubtful reports whether this worker may have been declared dead by now, for instance after its process was suspended.
func (l *liveness) doubtful() bool {
	return time.Since(l.started)-time.Duration(l.confirmed.Load()) > quickDead
}

// rescue rescues jobs of dead workers, and jobs that this worker fetched but never received.
func (l *liveness) rescue(ctx context.Context, conn *pgx.Conn) error {
	l.rescuedAt = time.Now()
	ids, attempts := l.attempts.Held()
	return l.rescuer.rescue(ctx, conn, ids, attempts)
}

// deregister marks the worker as stopped and hands back what still runs here.
func (l *liveness) deregister(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "update work.worker set stopped_at = clock_timestamp(), running = 0 where id = $1", l.id)
	if err != nil || time.Now().Before(l.rescueFrom) {
		return err // other workers rescue what still runs here
	}
	return l.rescue(ctx, conn)
}

// dyno returns the platform's name of this process, "worker.2", and the number in it; nil if there is none.
func (l *liveness) dyno() (name string, index *int) {
	_, number, _ := strings.Cut(l.opts.Process, ".")
	if n, err := strconv.Atoi(number); err == nil {
		index = &n
	}
	return l.opts.Process, index
}
