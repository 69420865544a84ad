package busy

import (
	"context"
	_ "embed"
	"io"
	"log/slog"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/shift.sql
var shiftSQL string

// Broken describes the situation that ReleaseBroke has set up.
type Broken struct {
	Kind      string  // send_invoice
	Older     string  // the release under which its jobs succeeded
	Newer     string  // the release under which they fail
	Jobs      []int64 // those that it discarded, oldest first
	RequestID string  // of the request that caused the first of them
}

// ordersOf is how many orders ReleaseBroke has made under each release.
const ordersOf = 20

// ReleaseBroke sets up, in the few seconds that its jobs take, the situation "a release broke a kind": each of 20 requests caused an
// order's jobs under the older release, all completed, half an hour ago; and each of 20 under the newer release, of which all jobs of one
// kind were discarded with the same error. The jobs are real; only the records of the older release are moved back by half an hour.
// No worker runs afterwards, so that retried jobs stay available and an undo always succeeds. It is for tests, on a database of
// their own.
func ReleaseBroke(ctx context.Context, databaseURL string) (b Broken, err error) {
	l := &load{Config: Config{URL: databaseURL, Log: slog.New(slog.DiscardHandler), Output: io.Discard}}
	if err := l.open(ctx); err != nil {
		return b, err
	}
	defer l.pool.Close()
	if err := l.ordersUnder(ctx, olderRelease); err != nil {
		return b, err
	}
	if err := l.all(ctx, shiftSQL, nil); err != nil {
		return b, err
	}
	if err := l.ordersUnder(ctx, newerRelease); err != nil {
		return b, err
	}
	b.Kind, b.Older, b.Newer = brokenKind, olderRelease, newerRelease
	rows, _ := l.pool.Query(ctx, "select id from jobs.job where kind = $1 and state = 'discarded' order by id", brokenKind)
	if b.Jobs, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return b, err
	}
	err = l.pool.QueryRow(ctx, "select request_id from jobs.job where kind = $1 and state = 'discarded' order by id limit 1", brokenKind).Scan(&b.RequestID)
	return b, err
}

// ordersUnder makes orders while a worker of the release works them, and returns once all of their jobs are finished.
func (l *load) ordersUnder(ctx context.Context, release string) (err error) {
	if err := l.enqueueAs(release); err != nil {
		return err
	}
	workCtx, stop := context.WithCancel(ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	r := role{Name: "worker.2", Release: release, Queues: queues()}
	go func() { ended <- r.run(workCtx, l.URL, l.Log, func(string) { close(ready) }) }()
	defer func() {
		stop()
		if stopped := <-ended; err == nil {
			err = stopped
		}
	}()
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		return err
	}
	requestCtx, written := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.requests.Run(requestCtx)
	}()
	defer func() {
		written()
		<-done
	}()
	for range ordersOf {
		for !healthy(l.orders + 1) {
			l.orders++
		}
		if err := l.order(ctx); err != nil {
			return err
		}
	}
	return l.until(ctx, "select not exists (select from river.river_job where finalized_at is null)", nil)
}

// healthy reports whether nothing but the newer release makes the jobs of an order fail.
func healthy(orderID int64) bool {
	return orderID%5 != 0 && orderID%17 != 3 && orderID%61 != 7 && orderID%31 != 5 && orderID%23 != 4 && orderID%13 != 2
}
