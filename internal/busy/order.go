package busy

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// fulfilOrder enqueues the other jobs of an order, and is their parent.
type fulfilOrder struct {
	OrderID  int64 `json:"order_id"`
	ReaderID int64 `json:"reader_id"`
}

func (fulfilOrder) Kind() string { return "fulfil_order" }

func (fulfilOrder) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "orders", Priority: 1, Tags: []string{"order"}}
}

type fulfilOrderWorker struct {
	river.WorkerDefaults[fulfilOrder]
	*shop
}

func (w *fulfilOrderWorker) Work(ctx context.Context, job *river.Job[fulfilOrder]) error {
	id := job.Args.OrderID
	if err := w.query(ctx, "load the order", 2*time.Millisecond); err != nil {
		return err
	}
	if err := w.query(ctx, "reserve copies", 4*time.Millisecond); err != nil {
		return err
	}
	return work.Finish(ctx, w.pool, job, func(tx pgx.Tx) error {
		_, err := w.jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{
			{Args: chargeCard{OrderID: id, CardToken: "tok_4f1c9a77d2"}},
			{Args: sendInvoice{InvoiceID: id + 100_000, OrderID: id, CustomerEmail: "odo@example.org"}},
			{Args: newWebhook(id, "order.created")},
		})
		return err
	})
}

// printLabel reads ids only; older programs wrote the order's name, so that some of its jobs cannot be read.
type printLabel struct {
	OrderID int64 `json:"order_id"`
}

func (printLabel) Kind() string { return "print_label" }

func (printLabel) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "orders"} }

type printLabelWorker struct {
	river.WorkerDefaults[printLabel]
}

func (w *printLabelWorker) Work(ctx context.Context, _ *river.Job[printLabel]) error {
	return call(ctx, "print", 60*time.Millisecond)
}

// archiveOrder goes to a queue that no worker takes.
type archiveOrder struct {
	OrderID int64 `json:"order_id"`
}

func (archiveOrder) Kind() string { return "archive_order" }

func (archiveOrder) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "archive", Priority: 4}
}

type archiveOrderWorker struct {
	river.WorkerDefaults[archiveOrder]
}

func (w *archiveOrderWorker) Work(ctx context.Context, _ *river.Job[archiveOrder]) error {
	return call(ctx, "move to the archive", 20*time.Millisecond)
}
