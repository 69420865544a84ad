package busy

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/record"
)

//go:embed sql/trim.sql
var trimSQL string

// keptJobs is the number of the load's finished jobs that are kept.
const keptJobs = 20_000

// keepUp enqueues jobs every second, kills a worker now and then, and deploys the newer release once.
func (l *load) keepUp(ctx context.Context) error {
	second, kill, deploy := time.NewTicker(time.Second), time.NewTicker(l.KillEvery), time.NewTimer(l.DeployAfter)
	defer second.Stop()
	defer kill.Stop()
	defer deploy.Stop()
	for n := 1; ; {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-kill.C:
			l.dying.kill()
		case <-deploy.C:
			l.main.deploy(newerRelease)
		case <-second.C:
			err = l.everySecond(ctx, n)
			n++
		}
		if err != nil && ctx.Err() == nil { // Postgres may be restarting
			l.Log.WarnContext(ctx, "the demo load could not enqueue; it goes on", "err", err)
		}
	}
}

// everySecond enqueues about ten jobs, and a burst each minute.
func (l *load) everySecond(ctx context.Context, n int) error {
	if err := l.order(ctx); err != nil {
		return err
	}
	_, err := l.jobs.InsertMany(ctx, batch(n))
	if err == nil && n%60 == 0 {
		_, err = l.pool.Exec(ctx, trimSQL, pgx.NamedArgs{"kinds": allKinds(), "most": keptJobs})
	}
	return err
}

// batch returns the jobs that are enqueued in second n, apart from those of requests.
func batch(n int) (list []river.InsertManyParams) {
	add := func(args river.JobArgs) { list = append(list, river.InsertManyParams{Args: args}) }
	id := int64(n) * 10
	quick, covers := 3, 1
	if n%60 == 20 {
		quick, covers = 200, 400 // a publisher's list arrives
	}
	for i := range quick {
		add(indexBook{BookID: id + int64(i)})
	}
	for i := range covers {
		add(resizeCover{BookID: id + int64(i), Width: 320})
	}
	switch {
	case n%120 == 1:
		add(nightlyReport{Month: time.Now().Format("2006-01"), Seconds: 45})
	case n%60 == 31:
		add(importFeed{File: fmt.Sprintf("list-%d.onix", n/60), Seconds: 15})
	case n%10 == 5:
		add(syncStock{Warehouse: 1 + n/10%6})
	case n%10 == 6:
		add(syncStock{Warehouse: 1 + n/10%6}) // not enqueued if the one before still runs
	case n%2 == 0:
		add(repriceTitle{ISBN: fmt.Sprintf("978%010d", id)})
		add(newWebhook(id, "price.changed"))
	}
	return list
}

// order does what a web process does for a request that enqueues jobs, and has it recorded.
func (l *load) order(ctx context.Context) error {
	l.orders++
	id := rand.Text()
	began := time.Now()
	ctx, steps := trace.Start(ctx)
	ctx, enqueued := record.Collect(ctx)
	ctx = work.WithOrigin(ctx, work.Origin{RequestID: id})
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		err := trace.Step(ctx, "store the order", func(ctx context.Context) error {
			_, err := tx.Exec(ctx, "select pg_sleep(0.004)")
			return err
		})
		if err != nil {
			return err
		}
		return trace.Step(ctx, "enqueue", func(ctx context.Context) error {
			_, err := l.jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{
				{Args: fulfilOrder{OrderID: l.orders, ReaderID: 1 + l.orders%200}},
				{Args: indexBook{BookID: l.orders}},
			})
			return err
		})
	})
	if err == nil {
		l.requests.Note(record.Request{
			ID: id, Method: "POST", Route: "/orders", Status: 303, Began: began, Ended: time.Now(), Enqueued: enqueued, Steps: steps,
		})
	}
	return err
}
