package brief

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/pilot"
)

var (
	//go:embed sql/limits.sql
	limitsSQL string
	//go:embed sql/head.sql
	headSQL string
	//go:embed sql/move.sql
	moveSQL string
)

// batchTimeout bounds the statements of a batch: its connection may be cut without a word.
const batchTimeout = 10 * time.Second

// batch is one transaction.
type batch struct {
	lane  *Lane
	queue *turn
	conn  *pgxpool.Conn
	size  int
	jobs  []*Job
	sent  time.Time // when it began
	at    time.Time // the same, by the server's clock
}

// batch runs one batch of a queue. Its error is one of the connection; errors of jobs are handled. It returns the handlers to run the
// next batch with.
func (l *Lane) batch(ctx context.Context, q *turn, h *handlers) (*handlers, error) {
	conn, err := l.Pool.Acquire(ctx)
	if err != nil {
		return h, err
	}
	defer conn.Release()             // closes a connection whose transaction is open
	if !l.Gate.Enter(q.kind.Queue) { // the gate wakes the queue
		return h, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	b := &batch{lane: l, queue: q, conn: conn}
	err = b.head(ctx)
	l.Gate.Leave(q.kind.Queue, len(b.jobs))
	defer func() { l.Gate.Ended(len(b.jobs)) }()
	if err != nil || len(b.jobs) == 0 {
		return h, b.rollback(ctx, err)
	}
	handled, foreign := b.divide()
	ran, slow, h := h.run(ctx, handled, b.sent, b.at)
	if slow != nil {
		foreign = append(foreign, slow)
	}
	t := newTail(b, ran, foreign)
	culprit, err := t.send(ctx)
	if err == nil {
		l.turns.succeeded(q, b.size, len(handled), len(ran))
		for _, j := range t.done {
			l.Done(ctx, j)
		}
		return h, nil
	}
	return h, b.failed(ctx, ran, culprit, err)
}

// head begins the transaction and locks jobs, in one round trip.
func (b *batch) head(ctx context.Context) error {
	l := b.lane
	size, after := l.turns.begin(b.queue)
	b.size, b.sent = size, time.Now()
	var head pgx.Batch
	head.Queue("begin")
	head.Queue(limitsSQL)
	head.Queue(db.Statement(headSQL, l.Schema), b.queue.kind.Queue, size, after.priority, after.scheduledAt, after.id)
	results := b.conn.SendBatch(ctx, &head)
	defer results.Close()
	for range 2 {
		if _, err := results.Exec(); err != nil {
			return fmt.Errorf("begin a batch: %w", err)
		}
	}
	rows, err := results.Query()
	if err != nil {
		return fmt.Errorf("lock brief jobs: %w", err)
	}
	jobs, at, err := collect(rows, b.queue.kind.Queue, l.Worker)
	rows.Close()
	if err == nil {
		err = results.Close()
	}
	if err != nil {
		return fmt.Errorf("lock brief jobs: %w", err)
	}
	b.jobs, b.at = jobs, at
	var last place
	if len(jobs) > 0 {
		last = jobs[len(jobs)-1].place()
	}
	l.turns.fetched(b.queue, size, after, len(jobs), last, time.Since(b.sent))
	return nil
}

// divide separates the queue's own jobs from those of other kinds, which another program may have put there.
func (b *batch) divide() (own, foreign []*Job) {
	own = b.jobs[:0:len(b.jobs)]
	for _, j := range b.jobs {
		if b.queue.kind.has(j.Row.Kind) {
			own = append(own, j)
		} else {
			foreign = append(foreign, j)
		}
	}
	return own, foreign
}

// failed handles a batch that was not committed. culprit is the job whose effect the server refuses, if it is known: it is moved to the
// ordinary lane, and the others run again in smaller batches. A batch of one has found its culprit.
func (b *batch) failed(ctx context.Context, ran []*Job, culprit *Job, cause error) error {
	b.lane.turns.failed(b.queue, b.size)
	if err := b.rollback(ctx, nil); err != nil || !blames(cause) {
		return fmt.Errorf("end a batch: %w", cause)
	}
	if culprit == nil && len(ran) == 1 {
		culprit = ran[0]
	}
	if culprit == nil {
		b.lane.Log.InfoContext(ctx, "a batch of brief jobs is divided to find the cause of an error", "queue", b.queue.kind.Queue, "jobs", len(ran), "err", cause)
		return nil
	}
	b.lane.Log.WarnContext(ctx, "a brief job runs in the ordinary lane: its effects failed", "job_id", culprit.Row.ID, "kind", culprit.Row.Kind, "err", cause)
	_, err := b.lane.Own.Exec(ctx, db.Statement(moveSQL, b.lane.Schema), ids([]*Job{culprit}), pilot.SinglyQueue)
	return err
}

// rollback ends the transaction, so that the connection can be used again, and returns err.
func (b *batch) rollback(ctx context.Context, err error) error {
	if b.conn.Conn().IsClosed() || b.conn.Conn().PgConn().TxStatus() == 'I' {
		return err
	}
	if _, back := b.conn.Exec(ctx, "rollback"); err == nil {
		err = back
	}
	return err
}

func ids(jobs []*Job) []int64 {
	list := make([]int64, len(jobs))
	for i, j := range jobs {
		list[i] = j.Row.ID
	}
	return list
}
