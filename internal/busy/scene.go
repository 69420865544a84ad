package busy

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

var (
	//go:embed sql/scene.sql
	sceneSQL string
	//go:embed sql/errors.sql
	errorsSQL string
)

// setScene fills the queues and sets up the states that the steady load would not reach.
func (l *load) setScene(ctx context.Context) error {
	if _, err := l.jobs.InsertMany(ctx, l.fill()); err != nil {
		return err
	}
	if err := l.order(ctx); err != nil {
		return err
	}
	err := l.all(ctx, sceneSQL, pgx.NamedArgs{"paused": pausedQueue, "drained": l.drained.id()})
	if err != nil {
		return err
	}
	stuck := "select exists (select from river.river_job where kind = @kind and state = 'retryable')"
	if err := l.until(ctx, stuck, pgx.NamedArgs{"kind": syncStock{}.Kind()}); err != nil {
		return err
	}
	later := &river.InsertOpts{ScheduledAt: time.Now().Add(time.Hour)}
	if _, err := l.jobs.Insert(ctx, syncStock{Warehouse: busyWarehouse}, later); err != nil { // the failed one waits for it
		return err
	}
	recorded := "select count(distinct fingerprint) >= 3 from work.error_hour where kind = any (@kinds)"
	if err := l.until(ctx, recorded, pgx.NamedArgs{"kinds": allKinds()}); err != nil {
		return err
	}
	return l.all(ctx, errorsSQL, pgx.NamedArgs{"kinds": allKinds(), "release": olderRelease})
}

// fill returns many quick jobs, and those that wait.
func (l *load) fill() (list []river.InsertManyParams) {
	add := func(args river.JobArgs, opts *river.InsertOpts) {
		list = append(list, river.InsertManyParams{Args: args, InsertOpts: opts})
	}
	in := func(d time.Duration) *river.InsertOpts { return &river.InsertOpts{ScheduledAt: time.Now().Add(d)} }
	add(nightlyReport{Month: time.Now().Format("2006-01"), Seconds: 45}, nil)
	add(importFeed{File: "spring-list.onix", Seconds: 20}, nil)
	add(importFeed{File: deadlyFile}, in(l.DeadlyAfter))
	for i := range int64(l.Fill) {
		add(indexBook{BookID: i}, nil)
	}
	for i := range int64(100) {
		add(resizeCover{BookID: i, Width: 640}, nil)
		add(newWebhook(i, "stock.changed"), nil)
	}
	for i := range int64(12) {
		add(chargeCard{OrderID: i, CardToken: "tok_91c0de5a11"}, nil)
		add(reorderTitle{BookID: i, Copies: 5}, nil)
		add(archiveOrder{OrderID: 900 + i}, nil)
		add(countShelf{Shelf: fmt.Sprintf("shelf-%d", i)}, nil)
		add(repriceTitle{ISBN: fmt.Sprintf("978%010d", i)}, nil)
		add(translateBlurb{BookID: i, Language: "pt"}, nil)
		add(printLabel{OrderID: 700 + i}, &river.InsertOpts{Pending: i%4 == 0})
		add(nightlyReport{Month: fmt.Sprintf("2026-%02d", i+1), Seconds: 30}, in(time.Duration(i+1)*time.Hour))
	}
	for n := range busyWarehouse {
		add(syncStock{Warehouse: busyWarehouse - n}, nil)
	}
	return list
}

// all runs the statements of a file in one transaction.
func (l *load) all(ctx context.Context, sql string, args pgx.NamedArgs) error {
	return runAll(ctx, l.pool, sql, args)
}

// until waits until a query returns true.
func (l *load) until(ctx context.Context, sql string, args pgx.NamedArgs) error {
	return until(ctx, l.pool, sql, args)
}
