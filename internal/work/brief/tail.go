package brief

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/pilot"
)

var (
	//go:embed sql/complete.sql
	completeSQL string
	//go:embed sql/outcome.sql
	outcomeSQL string
)

// tail is the end of a batch: outcomes, effects and commit.
type tail struct {
	*batch
	done     []*Job // whose outcomes are stored
	plain    []*Job // those that completed and have nothing else to store
	others   []*Job // the rest of them
	moved    []*Job // to the ordinary lane
	queued   pgx.Batch
	owners   []*Job // of the queued statements; nil: all jobs
	enqueues bool
}

// newTail prepares the end of a batch in which jobs ran, and others are moved to the ordinary lane.
func newTail(b *batch, ran, moved []*Job) *tail {
	t := &tail{batch: b, moved: moved}
	for _, j := range ran {
		switch {
		case j.movable:
			t.moved = append(t.moved, j)
		case j.Outcome.State == "":
		case j.Outcome.plain():
			t.done, t.plain = append(t.done, j), append(t.plain, j)
		default:
			t.done, t.others = append(t.done, j), append(t.others, j)
		}
		t.enqueues = t.enqueues || len(j.Effects.jobs) > 0
	}
	var handlers time.Duration
	for _, j := range ran {
		handlers += j.took
	}
	share := max(time.Since(b.sent)-handlers, 0) / time.Duration(max(len(ran), 1))
	for _, j := range t.done {
		j.end(share)
	}
	return t
}

// send sends the tail in one round trip, or more if there are jobs to enqueue. It returns the job whose effect is the cause of an error,
// if it is known. Completion comes first, so that effects may enqueue the same unique job again.
func (t *tail) send(ctx context.Context) (culprit *Job, err error) {
	t.complete()
	t.outcomes()
	if len(t.moved) > 0 {
		t.queue(nil, db.Statement(moveSQL, t.lane.Schema), ids(t.moved), pilot.SinglyQueue)
	}
	if t.enqueues {
		if culprit, err := t.flush(ctx); err != nil {
			return culprit, err
		}
		for _, j := range t.done {
			if jobs := j.Effects.jobs; len(jobs) > 0 {
				if err := t.lane.Enqueue(ctx, transaction{t.conn.Conn()}, j, jobs); err != nil {
					return j, fmt.Errorf("enqueue the jobs of a brief job: %w", err)
				}
			}
		}
	}
	for _, j := range t.done {
		for _, s := range j.Effects.statements {
			t.queue(j, s.SQL, s.Args...)
		}
	}
	t.queue(nil, "commit")
	return t.flush(ctx)
}

func (t *tail) queue(owner *Job, sql string, args ...any) {
	t.queued.Queue(sql, args...)
	t.owners = append(t.owners, owner)
}

// flush sends what is queued.
func (t *tail) flush(ctx context.Context) (culprit *Job, err error) {
	results := t.conn.SendBatch(ctx, &t.queued)
	for i, owner := range t.owners {
		if _, err = results.Exec(); err != nil {
			if i > 0 { // the first result has also the error of whichever statement cannot be prepared
				culprit = owner
			}
			break
		}
	}
	if closing := results.Close(); err == nil {
		err = closing
	}
	t.queued, t.owners = pgx.Batch{}, nil
	return culprit, err
}

// complete queues the statement that completes the plain jobs.
func (t *tail) complete() {
	if len(t.plain) == 0 {
		return
	}
	slices.SortFunc(t.plain, byID)
	n := len(t.plain)
	at, began, ended := make([]string, n), make([]int32, n), make([]int32, n)
	for i, j := range t.plain {
		at[i], began[i], ended[i] = j.at, int32(j.began.Microseconds()), int32((j.began + j.Record.Run).Microseconds())
	}
	t.queue(nil, db.Statement(completeSQL, t.lane.Schema), at, ids(t.plain), began, ended, t.lane.Worker)
}

// outcomes queues the statement that stores the outcomes of the other jobs.
func (t *tail) outcomes() {
	if len(t.others) == 0 {
		return
	}
	slices.SortFunc(t.others, byID)
	n := len(t.others)
	states, spent, began, ended := make([]string, n), make([]bool, n), make([]int32, n), make([]int32, n)
	waits, errs, metadata := make([]int64, n), make([]*string, n), make([]string, n)
	for i, j := range t.others {
		o := j.Outcome
		states[i], spent[i], waits[i] = string(o.State), o.Spent, o.Wait.Microseconds()
		began[i], ended[i] = int32(j.began.Microseconds()), int32((j.began + j.Record.Run).Microseconds())
		metadata[i] = "{}"
		if o.Metadata != nil {
			metadata[i] = string(o.Metadata)
		}
		if o.Error != nil {
			text := string(o.Error)
			errs[i] = &text
		}
	}
	t.queue(nil, db.Statement(outcomeSQL, t.lane.Schema), ids(t.others), states, spent, began, ended, waits, errs, metadata, t.lane.Worker)
}

func byID(a, b *Job) int { return cmp.Compare(a.Row.ID, b.Row.ID) }

// blames reports whether an error is the fault of a job of the batch, and not of the connection or the server.
func blames(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		_, network := errors.AsType[net.Error](err)
		lost := network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
		return !lost // else it is an argument that cannot be sent
	}
	if pgErr.Code == "57014" { // a statement took too long
		return true
	}
	return !slices.ContainsFunc([]string{"08", "25", "53", "57", "58", "XX"}, func(class string) bool { return strings.HasPrefix(pgErr.Code, class) })
}
