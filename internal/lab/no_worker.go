package lab

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// waitingJobs is how many jobs wait for a worker.
const waitingJobs = 12

func noWorker() Experiment {
	return Experiment{
		Slug: "no-worker", Title: "No worker",
		Purpose: "Jobs of a queue that no worker takes wait in the database, and say why; then a worker comes.",
		Lesson: "Twelve jobs are enqueued for a queue of this experiment's own. As on a platform with no worker dyno, they stay where they " +
			"are: rows in Postgres. Then one worker process is started, as backlist worker, and takes what waits.",
		Button: "Enqueue twelve jobs", DevOnly: true, Limit: time.Minute,
		Code: []Code{
			{"The jobs are rows, whether a worker runs or not", "no_worker.go", "idle.enqueueAll"},
			{"A worker process is started", "no_worker.go", "idle.startWorker"},
		},
		Run: func(ctx context.Context, r *Run) error {
			n := &idle{own: own{Run: r}, why: Table{Title: "Why they waited", Head: []string{"code", "in words", "jobs"}}}
			defer n.stop(ctx)
			return n.run(ctx)
		},
	}
}

// idle is a run of the experiment.
type idle struct {
	own
	why Table // why the jobs waited, while they did
}

func (n *idle) run(ctx context.Context) error {
	if err := n.enqueueAll(ctx); err != nil {
		return err
	}
	if err := n.startWorker(ctx); err != nil {
		return err
	}
	n.conclude()
	return nil
}

// enqueueAll enqueues the jobs, as with a worker, and waits until each says why it does not run.
func (n *idle) enqueueAll(ctx context.Context) error {
	if _, err := n.enqueue(ctx, waitingJobs, CallArgs{Calls: 1}); err != nil {
		return err
	}
	doing := "Twelve jobs are enqueued. No worker takes their queue, so they wait."
	return n.watch(ctx, doing, n.draw, func() (bool, error) { return n.wait(), nil })
}

// startWorker starts a worker process, and waits until all jobs are done.
func (n *idle) startWorker(ctx context.Context) error {
	if err := n.note(ctx, "", started); err != nil {
		return err
	}
	if err := n.start(ctx, 1); err != nil { // it runs: backlist worker --queues lab_own
		return err
	}
	return n.watch(ctx, "A worker process starts, and takes what waits.", n.draw, func() (bool, error) {
		return len(n.attempts) >= waitingJobs, n.crashed()
	})
}

// noWorkerCodes are the codes in jobs.job of jobs that no worker takes: none runs at all, or none takes their queue.
var noWorkerCodes = []string{"no_worker", "no_worker_for_queue"}

// wait reports whether all jobs wait because no worker takes their queue, and keeps why.
func (n *idle) wait() bool {
	for _, job := range n.jobs {
		if job.Waiting == nil || job.WhyWaiting == nil || !slices.Contains(noWorkerCodes, *job.Waiting) {
			return false
		}
		n.why.Rows = [][]string{{*job.Waiting, *job.WhyWaiting, fmt.Sprint(len(n.jobs))}}
	}
	return len(n.jobs) == waitingJobs
}

// times are the moments of the run; those that are still to come are nil.
type times struct{ enqueued, start, ready *time.Time }

func (n *idle) times() (t times) {
	if len(n.jobs) > 0 {
		t.enqueued = &n.jobs[0].EnqueuedAt
	}
	if len(n.events) > 0 {
		t.start = &n.events[0].At
	}
	if len(n.workers) > 0 {
		t.ready = &n.workers[0].StartedAt
	}
	return t
}

func (n *idle) draw() {
	t := n.times()
	if t.enqueued == nil {
		return
	}
	zero := *t.enqueued
	worker := Lane{Name: "worker process", Note: "none", Bars: []Bar{{Away, 0, upTo(zero, t.start), "no worker runs"}}}
	group := Group{Title: "Twelve jobs, and at first no worker"}
	if t.start != nil {
		worker.Note = "starts"
		worker.Bars = append(worker.Bars, Bar{Away, ms(zero, *t.start), upTo(zero, t.ready), "the process starts"})
		group.Marks = append(group.Marks, Mark{ms(zero, *t.start), "a worker is started"})
	}
	if t.ready != nil {
		worker.Name, worker.Note = n.workers[0].Process, "works"
		group.Marks = append(group.Marks, Mark{ms(zero, *t.ready), "it takes jobs"})
	}
	group.Lanes = append(group.Lanes, worker)
	for i, id := range n.jobIDs {
		for _, try := range n.tries(id) {
			lane := Lane{Name: fmt.Sprintf("job %d", i+1), Note: "waits", Bars: []Bar{try.waitBar(zero)}}
			if try.started != nil {
				from, to := ms(zero, *try.started), upTo(zero, try.ended)
				lane.Note, lane.Bars = Milliseconds(to-from), append(lane.Bars, Bar{Attempt, from, to, "ran in " + try.process})
			}
			group.Lanes = append(group.Lanes, lane)
		}
	}
	n.Groups, n.Tables = []Group{group}, []Table{n.why}
}

// conclude says what the run has shown.
func (n *idle) conclude() {
	t := n.times()
	first := slices.MinFunc(n.attempts, func(a, b ownAttempt) int { return a.StartedAt.Compare(b.StartedAt) })
	last := slices.MaxFunc(n.attempts, func(a, b ownAttempt) int { return a.EndedAt.Compare(b.EndedAt) })
	waited, boot, work := ms(*t.enqueued, *t.start), ms(*t.start, first.StartedAt), ms(first.StartedAt, last.EndedAt)
	n.Figures = []Figure{
		{"Waited without a worker", Milliseconds(waited), "jobs.job says why: " + n.why.Rows[0][0]},
		{"From start to first job", Milliseconds(boot), "a whole process: backlist worker"},
		{"Then done within", Milliseconds(work), fmt.Sprintf("%d jobs of about %s", waitingJobs, Milliseconds(ms(first.StartedAt, first.EndedAt)))},
	}
	n.Sentences = []string{
		fmt.Sprintf("%d jobs waited %s while no worker took their queue: the request that enqueues them is answered all the same, and nothing is lost.",
			waitingJobs, Milliseconds(waited)),
		fmt.Sprintf("%s after the worker process %s was started it ran the first of them, and %s later all %d were done: %d effects, one for each job.",
			Milliseconds(boot), n.workers[0].Process, Milliseconds(work), waitingJobs, n.count("", done, 0)),
	}
}
