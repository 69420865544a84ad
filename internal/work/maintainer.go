package work

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/record"
)

// Maintainer does maintenance in a process that works no jobs, so that workers can be scaled to zero: it runs schedules, makes
// jobs available that come due, rescues jobs of dead workers, and can be River's leader, which deletes old jobs.
type Maintainer struct {
	id          string
	pool        *pgxpool.Pool
	opts        Options
	client      *Client
	maintenance *maintenance

	recorder *record.Recorder // records attempts whose workers died
	rescuer  rescuer

	// Only the goroutine of maintenance uses these.
	rescueFrom time.Time // until then it declares no worker dead
	rescuedAt  time.Time // when it last looked for jobs to rescue
}

const (
	// maintainerID is the prefix of a maintainer's name. Views of schema jobs see by it that the leader works no jobs.
	maintainerID = "keeper/"
	// maintainerQueue is the queue of River's client, which cannot start without one. No job is ever fetched from it.
	maintainerQueue = "keeper"
	// maintainerRescues is how often a maintainer looks for dead workers.
	maintainerRescues = 2 * time.Second
	// maintainerStops is how long a maintainer may take to stop.
	maintainerStops = 5 * time.Second
)

// NewMaintainer returns a maintainer that starts when Run is called. It shares the pool with the process's other work and needs
// no connection of its own, since its statements are short.
func NewMaintainer(pool *pgxpool.Pool, o Options) (*Maintainer, error) {
	m := &Maintainer{id: maintainerID + cmp.Or(o.Process, "web") + "-" + rand.Text()[:10], pool: pool, opts: o}
	m.recorder = record.NewRecorder(pool, m.id, o.Recording())
	m.rescuer = rescuer{m.id, o.Schema, m.recorder, o.Log}
	var err error
	if m.maintenance, err = newMaintenance(pool, m.id, o); err != nil {
		return nil, err
	}
	m.client, err = m.newClient()
	return m, err
}

// newClient returns the client that can lead.
func (m *Maintainer) newClient() (*Client, error) {
	cfg := m.opts.config()
	cfg.ID = m.id
	cfg.PollOnly = true // no connection of its own to listen on
	cfg.Queues = map[string]river.QueueConfig{maintainerQueue: {MaxWorkers: 1}}
	cfg.FetchCooldown, cfg.FetchPollInterval = 24*time.Hour, 24*time.Hour
	cfg.ReindexerSchedule = river.NeverSchedule() // as in workers
	return river.NewClient(pilot.NewLeadDriver(m.pool), cfg)
}

// Run does maintenance until ctx ends. It keeps trying while the database is away.
func (m *Maintainer) Run(ctx context.Context) {
	defer m.recorder.Start(context.WithoutCancel(ctx))()
	defer background(ctx, m.lead)()
	m.maintenance.run(ctx, m.rescue)
}

// lead runs River's client, which stands for election every few seconds, until ctx ends, and then resigns.
func (m *Maintainer) lead(ctx context.Context) {
	if !m.startClient(ctx) {
		return
	}
	<-ctx.Done()
	select {
	case <-m.client.Stopped():
	case <-time.After(maintainerStops):
		m.opts.Log.WarnContext(ctx, "could not resign as leader in time; the leadership will expire")
	}
}

// startClient registers the kinds and starts River's client, as often as it takes. It reports false if ctx ended first.
func (m *Maintainer) startClient(ctx context.Context) bool {
	for warned := false; ctx.Err() == nil; {
		err := m.opts.Workers.Register(ctx, m.pool, m.opts.Release)
		if err == nil {
			err = m.client.Start(ctx)
		}
		if err == nil {
			return true
		}
		if !warned && ctx.Err() == nil {
			m.opts.Log.WarnContext(ctx, "this process cannot lead yet", "err", err)
		}
		warned = true
		sleep(ctx, lookEvery)
	}
	return false
}

// rescue rescues jobs of dead workers, but not within 10 s of an outage, which may have cut off their heartbeats too.
func (m *Maintainer) rescue(ctx context.Context, wasCutOff bool) error {
	if wasCutOff {
		m.rescueFrom = time.Now().Add(grace)
	}
	if time.Now().Before(m.rescueFrom) || time.Since(m.rescuedAt) < maintainerRescues {
		return nil
	}
	m.rescuedAt = time.Now()
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	return m.rescuer.rescue(ctx, m.pool, []int64{}, []int{})
}
