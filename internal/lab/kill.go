package lab

import (
	"context"
	"errors"
	"time"
)

// killCalls is how often the job calls the slow service: long enough to be stopped in the middle.
const killCalls = 12

// The two parts are named for what is done to their worker.
const (
	killPart  = killed
	pausePart = paused
)

func kill() Experiment {
	return Experiment{
		Slug: "kill-a-worker", Title: "Kill a worker in the middle",
		Purpose: "A worker dies while it runs a job, and another one comes back from the dead: the effect is there once.",
		Lesson: "Two worker processes are started. The one that takes the first job is killed in the middle, with SIGKILL, as the system " +
			"does when memory runs out; as a platform does, the lab starts it again. The one that takes the second job is only suspended: " +
			"it is declared dead, its job runs elsewhere, and then it continues and ends its late attempt.",
		Button: "Start two workers, and kill one", DevOnly: true, Limit: 2 * time.Minute,
		Code: []Code{
			{"The job: its effect and its end are one transaction", "call.go", "callWorker.Work"},
			{"A worker is killed", "kill.go", "killing.kill"},
			{"A worker is suspended, and continues too late", "kill.go", "killing.suspend"},
		},
		Run: func(ctx context.Context, r *Run) error {
			k := &killing{own: own{Run: r}}
			defer k.stop(ctx)
			return k.run(ctx)
		},
	}
}

// killing is a run of the experiment.
type killing struct {
	own
	parts []partOfKill
}

// partOfKill is one of its parts.
type partOfKill struct {
	name, title string
	job         int64
}

func (k *killing) run(ctx context.Context) error {
	if err := k.note(ctx, "", started); err != nil {
		return err
	}
	if err := k.start(ctx, 2); err != nil { // each runs: backlist worker --queues lab_own
		return err
	}
	err := k.watch(ctx, "Two worker processes start.", k.draw, func() (bool, error) { return k.working() == 2, k.crashed() })
	if err != nil {
		return err
	}
	process, err := k.taken(ctx, killPart, "Killed with SIGKILL")
	if err != nil {
		return err
	}
	if err := k.kill(ctx, process); err != nil {
		return err
	}
	err = k.watch(ctx, "The killed process is started again.", k.draw, func() (bool, error) { return k.working() == 2, nil })
	if err != nil {
		return err
	}
	if process, err = k.taken(ctx, pausePart, "Suspended with SIGSTOP"); err != nil {
		return err
	}
	if err := k.suspend(ctx, process); err != nil {
		return err
	}
	k.conclude()
	return nil
}

// kill kills the worker in the middle of its job. It cannot say that it goes.
func (k *killing) kill(ctx context.Context, process string) error {
	if err := errors.Join(k.Workers.Kill(process), k.note(ctx, killPart, killed)); err != nil { // SIGKILL
		return err
	}
	doing := process + " is killed. The others see that its lock is gone and that it is silent, and take its job back."
	return k.watch(ctx, doing, k.draw, func() (bool, error) { return k.finished(killPart), nil })
}

// suspend suspends the worker until another one has done its job. Then it continues, and does not know that time has passed.
func (k *killing) suspend(ctx context.Context, process string) error {
	if err := errors.Join(k.Workers.Pause(process), k.note(ctx, pausePart, paused)); err != nil { // SIGSTOP
		return err
	}
	doing := process + " is suspended. Its lock is still there, so it is declared dead when it has been silent for 12 s."
	err := k.watch(ctx, doing, k.draw, func() (bool, error) { return k.finished(pausePart), nil })
	if err != nil {
		return err
	}
	if err := errors.Join(k.Workers.Continue(process), k.note(ctx, pausePart, continued)); err != nil { // SIGCONT
		return err
	}
	doing = process + " continues, and ends an attempt whose job is done."
	return k.watch(ctx, doing, k.draw, func() (bool, error) { return k.at(pausePart, refused, 1) != nil, nil })
}

// taken enqueues the job of a part and returns the process that takes it, once it is in the middle of it.
func (k *killing) taken(ctx context.Context, part, title string) (process string, err error) {
	ids, err := k.enqueue(ctx, 1, CallArgs{Part: part, Calls: killCalls, Until: part})
	if err != nil {
		return "", err
	}
	k.parts = append(k.parts, partOfKill{part, title, ids[0]})
	err = k.watch(ctx, "A job is enqueued, and one of the two workers takes it.", k.draw, func() (bool, error) {
		for _, try := range k.tries(ids[0]) {
			process = try.process
		}
		return k.count(part, called, 1) >= killCalls/3, nil
	})
	return process, err
}

// finished reports whether the job of a part has had its effect, and both of its attempts are recorded.
func (k *killing) finished(part string) bool {
	recorded := 0
	for _, p := range k.parts {
		for _, try := range k.tries(p.job) {
			if p.name == part && try.outcome != "" {
				recorded++
			}
		}
	}
	return recorded >= 2 && k.at(part, done, 0) != nil
}
