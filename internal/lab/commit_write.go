package lab

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/store"
)

// errDied ends the writes of an order whose process died.
var errDied = errors.New("the process died between the two writes")

// writer is a process that takes orders: it writes a row for each and enqueues a job. It dies where it is told to, which cuts all
// of its connections at once: that is all that Postgres sees of a process that is killed.
type writer struct {
	*Run
	data  *pgx.Conn // to the database of the rows
	queue *pgx.Conn // to the other database, which has a queue of its own

	takenTogether, takenBeside int // orders taken so far
	ours, theirs               counts
}

// die closes the sockets without a word to the server.
func (w *writer) die(conns ...*pgx.Conn) error {
	for _, conn := range conns {
		_ = conn.PgConn().Conn().Close()
		_ = conn.Close(context.Background()) // only frees what is left of it here
	}
	return errDied
}

// together writes the row and its job in one transaction.
func (w *writer) together(ctx context.Context, item int, dies bool) error {
	return pgx.BeginFunc(ctx, w.data, func(tx pgx.Tx) error {
		if err := w.row(ctx, tx, "together", item); err != nil {
			return err
		}
		if dies {
			return w.die(w.data)
		}
		_, err := w.Jobs.InsertTx(ctx, tx, OrderArgs{Run: w.ID, Item: item}, nil)
		return err
	})
}

// rowFirst commits the row, and then puts the job into a queue beside the database.
func (w *writer) rowFirst(ctx context.Context, item int, dies bool) error {
	if err := w.row(ctx, w.data, "beside", item); err != nil {
		return err
	}
	if dies {
		return w.die(w.data, w.queue)
	}
	return w.push(ctx, item)
}

// jobFirst puts the job into the queue, and then commits the row.
func (w *writer) jobFirst(ctx context.Context, item int, dies bool) error {
	if err := w.push(ctx, item); err != nil {
		return err
	}
	if dies {
		return w.die(w.data, w.queue)
	}
	return w.row(ctx, w.data, "beside", item)
}

func (w *writer) row(ctx context.Context, db store.DBTX, part string, item int) error {
	return store.New().LabEffectInsert(ctx, db, store.LabEffectInsertParams{RunID: w.ID, Part: part, What: "row", Item: int32(item)})
}

func (w *writer) push(ctx context.Context, item int) error {
	_, err := w.queue.Exec(ctx, "insert into queue (item) values ($1)", item)
	return err
}

// OrderArgs are the arguments of the job of an order.
type OrderArgs struct {
	aside
	Run  string `json:"run"`
	Item int    `json:"item"`
}

// Kind names the job.
func (OrderArgs) Kind() string { return "lab_order" }

// InsertOpts puts the job where no worker takes it: it is only counted.
func (OrderArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: OwnQueue} }

// orderWorker is there so that the kind is known.
type orderWorker struct {
	river.WorkerDefaults[OrderArgs]
}

// Work does nothing.
func (orderWorker) Work(context.Context, *river.Job[OrderArgs]) error { return nil }
