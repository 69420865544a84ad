package work

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/brief"
	"github.com/backlist/backlist/internal/work/pilot"
)

// Effects collects what a brief job writes.
type Effects = brief.Effects

// BriefWorker runs the jobs of a brief kind. Its Work makes no network call, takes no longer than some milliseconds and writes only
// through fx. It may be called again for the same attempt, whose effects were then not written.
//
// A worker may also have the methods NextRetry and Timeout of a river.Worker. The time limit applies in the ordinary lane; in a batch
// it is a quarter of a second.
type BriefWorker[T river.JobArgs] interface {
	Work(ctx context.Context, job *river.Job[T], fx *Effects) error
}

// Brief configures a brief kind.
type Brief struct {
	Most int // how many of its jobs one transaction runs at most; 0: 256; 512 at most
}

const (
	// briefMost is Brief.Most by default.
	briefMost = 256
	// singlySlots is how many brief jobs a process runs at once that do not run in batches.
	singlySlots = 10
	// singlyPoll is how often it looks for them: few jobs come there, with a notice.
	singlyPoll = 4 * time.Second
)

// briefKind is what the lane needs to know about a brief kind.
type briefKind struct {
	most      int
	work      func(ctx context.Context, job *jobRow, fx *Effects) error
	nextRetry func(job *jobRow) time.Time // nil: the usual back-off
}

// AddBrief registers a brief kind: its jobs cost a fraction of others, because many share a transaction, in which their rows change
// once. Its args' InsertOpts must name a queue that no other kind has. A job that does not fit into a batch, because it takes long,
// has many effects, or fails with them, runs as jobs of other kinds do, in queue singly, where its effects are committed by Finish.
//
// A brief job is not shown as running and cannot be cancelled while it runs. Its effects are committed up to some tens of
// milliseconds after its handler has returned. Rows that they change stay locked until then.
func AddBrief[T river.JobArgs](workers *Workers, worker BriefWorker[T], b Brief) {
	AddWorker(workers, &singly[T]{worker: worker})
	k := &briefKind{most: cmp.Or(b.Most, briefMost)}
	k.work = func(ctx context.Context, row *jobRow, fx *Effects) error {
		job := &river.Job[T]{JobRow: row}
		if err := json.Unmarshal(row.EncodedArgs, &job.Args); err != nil {
			return err
		}
		runOf(ctx).began = true
		return worker.Work(ctx, job, fx)
	}
	if own, ok := worker.(interface {
		NextRetry(job *river.Job[T]) time.Time
	}); ok {
		k.nextRetry = func(row *jobRow) time.Time {
			job := &river.Job[T]{JobRow: row}
			_ = json.Unmarshal(row.EncodedArgs, &job.Args) // Work has read it
			return own.NextRetry(job)
		}
	}
	var zero T
	names := []string{zero.Kind()}
	if with, ok := any(zero).(river.JobArgsWithKindAliases); ok {
		names = append(names, with.KindAliases()...)
	}
	for _, name := range names {
		kind := workers.kinds[name]
		kind.brief = k
		workers.kinds[name] = kind
	}
}

// singly runs a brief job by itself, as other jobs run.
type singly[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	worker BriefWorker[T]
}

// NextRetry is the worker's own, if it has one.
func (s *singly[T]) NextRetry(job *river.Job[T]) time.Time {
	if own, ok := s.worker.(interface {
		NextRetry(job *river.Job[T]) time.Time
	}); ok {
		return own.NextRetry(job)
	}
	return s.WorkerDefaults.NextRetry(job)
}

// Timeout is the worker's own, if it has one.
func (s *singly[T]) Timeout(job *river.Job[T]) time.Duration {
	if own, ok := s.worker.(interface {
		Timeout(job *river.Job[T]) time.Duration
	}); ok {
		return own.Timeout(job)
	}
	return s.WorkerDefaults.Timeout(job)
}

// Work runs the handler, and its effects in Finish.
func (s *singly[T]) Work(ctx context.Context, job *river.Job[T]) error {
	fx := &Effects{}
	if err := s.worker.Work(ctx, job, fx); err != nil {
		return err
	}
	jobs, statements, err := fx.Seal()
	if err != nil || len(jobs)+len(statements) == 0 {
		return err
	}
	return Finish(ctx, runOf(ctx).worker.jobsPool(), job, func(tx pgx.Tx) error {
		client := river.ClientFromContext[pgx.Tx](ctx)
		for _, j := range jobs {
			if _, err := client.InsertTx(ctx, tx, j.Args, j.Opts); err != nil {
				return fmt.Errorf("enqueue a further job: %w", err)
			}
		}
		return brief.Send(ctx, tx, statements)
	})
}

// briefKinds returns the brief kinds that a worker takes jobs of, sorted by queue.
func (o Options) briefKinds() []brief.Kind {
	queues := map[string]brief.Kind{}
	for _, name := range o.Workers.names() {
		k := o.Workers.kinds[name]
		if _, named := o.Queues[k.opts.Queue]; k.brief != nil && (named || !o.Only) {
			q := queues[k.opts.Queue]
			queues[k.opts.Queue] = brief.Kind{Names: append(q.Names, name), Queue: k.opts.Queue, Most: k.brief.most}
		}
	}
	return slices.SortedFunc(maps.Values(queues), func(a, b brief.Kind) int { return cmp.Compare(a.Queue, b.Queue) })
}

// ordinaryQueues returns the queues from which River takes jobs, with their slots.
func (o Options) ordinaryQueues() map[string]int {
	queues := maps.Clone(o.Queues)
	for _, k := range o.briefKinds() {
		delete(queues, k.Queue)
	}
	return queues
}

// checkBrief returns an error if a brief kind shares its queue.
func (w *Workers) checkBrief() error {
	for _, name := range w.names() {
		k := w.kinds[name]
		if k.brief == nil {
			continue
		}
		queue := k.opts.Queue
		switch {
		case queue == "" || queue == river.QueueDefault:
			return fmt.Errorf("the brief kind %s needs a queue of its own: name one in its InsertOpts", name)
		case queue == pilot.IsolationQueue || queue == pilot.SinglyQueue:
			return fmt.Errorf("the brief kind %s cannot have the queue %s, which the job system uses itself", name, queue)
		}
		for _, other := range w.names() {
			if o := w.kinds[other]; o.opts.Queue == queue && o.brief != k.brief {
				return fmt.Errorf("the brief kind %s needs a queue of its own: %s has the queue %s too", name, other, queue)
			}
		}
	}
	return nil
}
