package scale

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/scale/plan"
)

const (
	// every is the time between two decisions, and soon the same while jobs wait and no worker runs.
	every = 5 * time.Second
	soon  = time.Second
	// lease is how long a process may be silent before another one takes over.
	lease = 15 * time.Second
	// recordEvery is the longest time between two decisions that are recorded.
	recordEvery = 5 * time.Minute
	// firstRetry is how long after a failure the platform is asked again; it doubles up to lastRetry.
	firstRetry = 5 * time.Second
	lastRetry  = time.Minute
	// stepTimeout bounds each step: a connection may be cut without a word.
	stepTimeout = 10 * time.Second
)

// Config configures a Loop. DB, Schema and Log must be set.
type Config struct {
	DB        *pgxpool.Pool
	Schema    string                             // River's
	Process   string                             // the platform's name for this process
	Formation func(processType string) Formation // nil, or returns nil: the number is only advised
	Limits    plan.Limits
	Log       *slog.Logger
}

// Loop scales worker processes.
type Loop struct {
	Config
	by         string // in leases
	types      map[string]*memory
	formations map[string]Formation
}

// memory is what a process remembers of a process type for as long as it has the lease.
type memory struct {
	counted  count
	recorded plan.Decision // the latest that was recorded
	retryAt  time.Time     // until then the platform is not asked for a change
	failures int
}

// New returns a Loop that begins when Run is called.
func New(cfg Config) *Loop {
	return &Loop{
		Config: cfg, by: cmp.Or(cfg.Process, "process") + "-" + rand.Text()[:10], types: map[string]*memory{}, formations: map[string]Formation{},
	}
}

// Run decides and acts until ctx ends. It holds one connection at a time, and none in between.
func (l *Loop) Run(ctx context.Context) {
	failed := false
	for ctx.Err() == nil {
		wait, err := l.look(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			l.Log.WarnContext(ctx, "workers are not scaled until the database allows it", "err", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// look decides about each process type of which this process has the lease, and returns the time until the next look.
func (l *Loop) look(ctx context.Context) (time.Duration, error) {
	step, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	rows, err := l.measure(step)
	wait := every
	leading := map[string]*memory{}
	for _, r := range rows {
		m := l.types[r.Type]
		if m == nil {
			m = &memory{}
		}
		leading[r.Type] = m
		hurry, failure := l.decide(ctx, &r, m)
		err = errors.Join(err, failure)
		if hurry {
			wait = min(wait, soon)
		}
	}
	l.types = leading
	return wait, err
}

// decide makes a decision, records it and carries it out. It reports whether jobs wait and no worker runs.
func (l *Loop) decide(ctx context.Context, r *row, m *memory) (hurry bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*stepTimeout)
	defer cancel()
	f, known, problem := l.formation(ctx, r)
	in := r.inputs(f, &m.counted)
	in.Limits.Workers, in.Limits.Connections = l.Limits.Workers, l.Limits.Connections
	if !known {
		in.Age = max(in.Age, time.Hour) // decide nothing about a formation that cannot be read
	}
	r.booted(in.At)
	d := plan.Decide(in, r.target(), r.State)
	on := r.Mode == "on" && l.platform(r.Type) != nil && known
	if !on { // what is only advised must not be taken for done
		d.Next.Adopted = false
	}
	if !known {
		d.Sentence = problem
	}
	change := on && d.Change(in) && !in.At.Before(m.retryAt)
	if change && d.Quantity < f.Quantity {
		if change, err = l.idle(ctx, r, d.Quantity, f.Unordered); err != nil {
			return false, err
		}
	}
	if !change {
		d.Next.Asked, d.Next.AskedAt, d.Next.ShrunkAt = r.asked(d)
	} else {
		r.order(in, d)
	}
	id, err := l.save(ctx, r, m, in, d, problem)
	if err != nil {
		return false, err
	}
	if on {
		err = l.drain(ctx, r, d)
	}
	if change && err == nil {
		l.change(ctx, r, m, in, d, id)
	}
	return f.Quantity == 0 && d.Figures.Ready > 0, err
}

// platform returns what can change the number of processes of a type, or nil.
func (l *Loop) platform(processType string) Formation {
	if l.Formation == nil {
		return nil
	}
	if _, asked := l.formations[processType]; !asked {
		l.formations[processType] = l.Formation(processType)
	}
	return l.formations[processType]
}

// formation reads the number of processes. Without a Formation it is the number of workers that send heartbeats.
func (l *Loop) formation(ctx context.Context, r *row) (f plan.Formation, known bool, problem string) {
	platform := l.platform(r.Type)
	if platform == nil {
		if r.Mode == "on" {
			problem = "The mode is on, but this program cannot change the number of " + r.Type + " processes, so it only advises."
		}
		return plan.Formation{Quantity: len(r.Workers)}, true, problem
	}
	f, err := platform.Read(ctx, false)
	if err != nil {
		return plan.Formation{Quantity: len(r.Workers)}, false, "The number of " + r.Type + " processes cannot be read: " + err.Error() + "."
	}
	return f, true, ""
}

// change asks the platform for the quantity. Its present number is read again before, because it may have been changed by hand.
func (l *Loop) change(ctx context.Context, r *row, m *memory, in plan.Inputs, d plan.Decision, id int64) {
	platform := l.platform(r.Type)
	f, err := platform.Read(ctx, true)
	if err == nil && f.Quantity != in.Formation.Quantity {
		return // the next decision knows it
	}
	if err == nil {
		err = platform.Set(ctx, d.Quantity)
	}
	if err == nil {
		m.failures = 0
		l.Log.InfoContext(ctx, "scaled", "process_type", r.Type, "from", f.Quantity, "to", d.Quantity, "code", string(d.Code), "why", d.Sentence)
		return
	}
	m.retryAt = in.At.Add(min(firstRetry<<min(m.failures, 8), lastRetry))
	m.failures++
	l.Log.WarnContext(ctx, "cannot scale", "process_type", r.Type, "to", d.Quantity, "err", err)
	if err := l.failed(ctx, r, id, err); err != nil {
		l.Log.WarnContext(ctx, "cannot record why scaling failed", "process_type", r.Type, "err", err)
	}
}
