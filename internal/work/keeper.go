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

// Keeper keeps house in a process that works no jobs, so that workers can be scaled to zero: schedules tick, jobs come due,
// the dead are found and their jobs given back, and it can lead River's clients, of which one has to clean up.
type Keeper struct {
	id          string
	pool        *pgxpool.Pool
	opts        Options
	client      *Client
	maintenance *maintenance

	recorder *record.Recorder // of attempts whose workers are gone
	rescuer  rescuer

	rescueFrom time.Time // the keeping goroutine only
	rescuedAt  time.Time // the same
}

const (
	// keeperID begins a keeper's name, which is no worker's: jobs.job and jobs.health tell by it who leads.
	keeperID = "keeper/"
	// keeperQueue is what River's client works, for it must work one to be started. Nothing is ever fetched from it.
	keeperQueue = "keeper"
	// keeperRescues is how often a keeper looks for dead workers.
	keeperRescues = 2 * time.Second
	// keeperStops is how long a keeper may take to end.
	keeperStops = 5 * time.Second
)

// NewKeeper returns a keeper that begins once Run is called. It shares the pool with the process's own work and needs no
// connection besides: all it does is short.
func NewKeeper(pool *pgxpool.Pool, o Options) (*Keeper, error) {
	k := &Keeper{id: keeperID + cmp.Or(o.Process, "web") + "-" + rand.Text()[:10], pool: pool, opts: o}
	k.recorder = record.NewRecorder(pool, k.id, o.Recording())
	k.rescuer = rescuer{k.id, o.Schema, k.recorder, o.Log}
	var err error
	if k.maintenance, err = newMaintenance(pool, k.id, o); err != nil {
		return nil, err
	}
	k.client, err = k.newClient()
	return k, err
}

// newClient returns the client that can lead.
func (k *Keeper) newClient() (*Client, error) {
	cfg := k.opts.config()
	cfg.ID = k.id
	cfg.PollOnly = true // no connection of its own to listen on
	cfg.Queues = map[string]river.QueueConfig{keeperQueue: {MaxWorkers: 1}}
	cfg.FetchCooldown, cfg.FetchPollInterval = 24*time.Hour, 24*time.Hour
	cfg.ReindexerSchedule = river.NeverSchedule() // as in workers
	return river.NewClient(pilot.NewLeadDriver(k.pool), cfg)
}

// Run keeps house until ctx ends. It outlasts a database that is away.
func (k *Keeper) Run(ctx context.Context) {
	defer k.recorder.Start(context.WithoutCancel(ctx))()
	led := make(chan struct{})
	go func() {
		defer close(led)
		k.lead(ctx)
	}()
	k.maintenance.run(ctx, k.rescue)
	<-led
}

// lead makes the kinds known and runs River's client, which stands for election every few seconds.
func (k *Keeper) lead(ctx context.Context) {
	for warned := false; ctx.Err() == nil; {
		err := k.opts.Workers.Register(ctx, k.pool, k.opts.Release)
		if err == nil {
			err = k.client.Start(ctx)
		}
		if err == nil {
			break
		}
		if !warned && ctx.Err() == nil {
			k.opts.Log.WarnContext(ctx, "this process cannot lead yet", "err", err)
		}
		warned = true
		sleep(ctx, lookEvery)
	}
	<-ctx.Done()
	select {
	case <-k.client.Stopped():
	case <-time.After(keeperStops):
		k.opts.Log.WarnContext(ctx, "giving up the lead takes too long: it runs out by itself")
	}
}

// rescue rescues jobs of dead workers, but not within 10 s of an outage: what cut this process off may have cut off others.
func (k *Keeper) rescue(ctx context.Context, wasCutOff bool) error {
	if wasCutOff {
		k.rescueFrom = time.Now().Add(grace)
	}
	if time.Now().Before(k.rescueFrom) || time.Since(k.rescuedAt) < keeperRescues {
		return nil
	}
	k.rescuedAt = time.Now()
	ctx, cancel := patiently(ctx)
	defer cancel()
	return k.rescuer.rescue(ctx, k.pool, []int64{}, []int{})
}
