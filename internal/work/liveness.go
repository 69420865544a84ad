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

const (
	// heartbeatEvery is how often a worker sends a heartbeat.
	heartbeatEvery = time.Second
	// stopAfter is how long a worker goes on without a confirmed heartbeat. Others wait longer before they take its jobs
	// (silentDead in rescue.go), so that it stops first, if it can do anything at all.
	stopAfter = 8 * time.Second
	// grace is how long a worker declares none dead after it had to connect again: what cut it off may have cut off others.
	grace = 10 * time.Second
	// rescueEvery is how often a worker looks at the running jobs although no worker seems to have died: for jobs of
	// unregistered clients, and those that it was given itself and never got.
	rescueEvery = 10 * time.Second

	controlChannel = "work_control"

	// CodeDeclaredDead is the code of the log line with which a worker says that it was declared dead and lives.
	CodeDeclaredDead = "declared_dead"
)

// liveness is a worker's row in work.worker: heartbeats, draining, and the rescue of dead workers' jobs.
type liveness struct {
	id       string
	opts     Options
	gate     *pilot.Gate
	attempts *pilot.Attempts
	log      *slog.Logger
	lockKey  int64
	started  time.Time
	slots    int
	queues   []string

	rescuer rescuer

	known      chan struct{} // closed when the row is there
	knownOnce  sync.Once
	confirmed  atomic.Int64 // when the last confirmed heartbeat was sent, in nanoseconds since started (monotonic)
	rescueFrom time.Time    // the connection's goroutine only
	rescuedAt  time.Time    // when it last rescued; the same
	failing    bool         // the latest rescue failed; the same
	locked     bool         // the same
	draining   bool         // the same
}

func newLiveness(id string, o Options, driver *pilot.WorkerDriver, r rescuer) *liveness {
	l := &liveness{
		id: id, opts: o, gate: driver.Gate, attempts: driver.Attempts, log: o.Log, rescuer: r, known: make(chan struct{}),
		lockKey: rand.Int64N(1 << 62), started: time.Now(),
	}
	l.queues = slices.Sorted(maps.Keys(o.Queues))
	for _, n := range o.Queues {
		l.slots += n
	}
	return l
}

// opened prepares a new connection: the lock, and the channel on which draining is told.
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

// heard gets the notices on our channel: an operator changed whether a worker drains. The next heartbeat reads it.
func (l *liveness) heard(conn *pilot.Conn) func(channel, payload string) {
	return func(_, payload string) {
		if payload == l.id {
			conn.HeartbeatNow()
		}
	}
}

// heartbeat is report, which is repeated where another statement was in its way: that must not cost the connection, whose lock
// others look at.
func (l *liveness) heartbeat(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	next, err := l.report(ctx, conn)
	if pilot.IsContended(err) {
		return lookAgainIn, nil
	}
	return next, db.ExplainReadOnly(err)
}

// report tells the database that this worker is alive, learns whether it was declared dead and whether it is to drain, and
// rescues jobs of dead workers. It returns how long to wait until the next.
func (l *liveness) report(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	sent := time.Since(l.started)
	if !l.locked && !l.opts.PollOnly {
		// The lock of an earlier connection may not be free yet: that is as good, and tried again.
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", l.lockKey).Scan(&l.locked); err != nil {
			return 0, err
		}
	}
	running, fetching := l.gate.Running()
	dyno, index := l.dyno()
	var wasDead, draining, lost bool
	var dueIn float64 // seconds until another worker counts as dead
	err := conn.QueryRow(ctx, db.Statement(heartbeatSQL, l.opts.Schema), pgx.NamedArgs{
		"id": l.id, "dyno": dyno, "index": index, "release": l.opts.Release, "slots": l.slots, "running": running, "rss": rss(),
		"lock_key": l.lockKey, "locked": l.locked, "queues": l.queues, "kinds": l.opts.Workers.names(),
		"drained": l.draining && !fetching, "quick": quickDead.Seconds(), "silent": silentDead.Seconds(),
	}).Scan(&wasDead, &draining, &lost, &dueIn)
	if err != nil {
		return 0, err
	}
	l.knownOnce.Do(func() { close(l.known) })
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
		// A rescue that fails must not cost the lock, by which others know that this worker is alive.
		if err := l.rescue(ctx, conn); err != nil && conn.IsClosed() {
			return 0, fmt.Errorf("rescue: %w", err)
		} else if pilot.IsContended(err) {
			l.rescuedAt = time.Time{} // it is tried again at the next heartbeat
		} else if err != nil && !l.failing {
			l.log.ErrorContext(ctx, "cannot rescue jobs of dead workers; will retry", "err", err)
			l.failing = true
		} else if err == nil {
			l.failing = false
		}
	}
	if acknowledge {
		return 10 * time.Millisecond, nil // a fetch that was under way is over then
	}
	return min(heartbeatEvery, max(time.Duration(dueIn*float64(time.Second)), 50*time.Millisecond)), nil
}

// watch ends this worker's jobs when no heartbeat has been confirmed for too long: others may have taken them. It goes by the
// monotonic clock, which ran on if the process was stopped.
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
			l.log.WarnContext(ctx, "heartbeat not confirmed: jobs are cancelled, nothing is fetched", "worker", l.id, "silent", silent)
			l.gate.SetDead(ErrLost)
		}
		dead = silent > stopAfter
	}
}

// doubtful reports whether others may have declared this worker dead by now, as after the process was stopped for a while.
func (l *liveness) doubtful() bool {
	return time.Since(l.started)-time.Duration(l.confirmed.Load()) > quickDead
}

// rescue rescues jobs of dead workers, and those that this worker was given and never got.
func (l *liveness) rescue(ctx context.Context, conn *pgx.Conn) error {
	l.rescuedAt = time.Now()
	ids, attempts := l.attempts.Held()
	return l.rescuer.rescue(ctx, conn, ids, attempts)
}

// deregister marks the worker as stopped and hands back what still runs here.
func (l *liveness) deregister(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "update work.worker set stopped_at = clock_timestamp(), running = 0 where id = $1", l.id)
	if err != nil || time.Now().Before(l.rescueFrom) {
		return err // what is left is rescued by others
	}
	return l.rescue(ctx, conn)
}

// dyno splits the platform's name, "worker.2", into what it is and its number.
func (l *liveness) dyno() (name string, index *int) {
	_, number, _ := strings.Cut(l.opts.Process, ".")
	if n, err := strconv.Atoi(number); err == nil {
		index = &n
	}
	return l.opts.Process, index
}
