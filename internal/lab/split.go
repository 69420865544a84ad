package lab

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

var (
	//go:embed sql/letters_sent.sql
	lettersSentSQL string
	//go:embed sql/workers.sql
	workersSQL string
)

const (
	// letters is how many letters each part sends.
	letters = 8
	// failsAt is the letter at which the mail server is down, in the parts that fail.
	failsAt = 5
)

func bigOrSmall() Experiment {
	return Experiment{
		Slug: "one-big-or-many-small", Title: "One big job or many small ones",
		Purpose: "The same letters as one job and as many: with one worker, with two, with as many as run, and with a failure in the middle.",
		Lesson: fmt.Sprintf("%d letters go through the slow mail server: once in one job, once in a job for each. First a worker takes them that runs one job "+
			"at a time, then two of these, then the workers of this deployment. A letter counts as done when its job has recorded it, together "+
			"with its own completion. In the end the mail server is down for letter %d, the first time that it is tried.", letters, failsAt),
		Button: "Send the letters", Limit: 90 * time.Second,
		Code: []Code{
			{"One big job", "split_job.go", "bigWorker.Work"},
			{"Many small ones", "split_job.go", "smallWorker.Work"},
			{"All of them are enqueued at once", "split.go", "split.enqueue"},
		},
		Run: runSplit,
	}
}

// part is one way to send the letters.
type part struct {
	code  string // in lab_effect
	title string
	note  string
	queue string
	fail  int
	slots int // how many letters can be sent at once
}

// split is a run of the experiment.
type split struct {
	*Run
	parts []part // those that have begun
}

// deployed is a row of sql/workers.sql.
type deployed struct{ Workers, Slots int64 }

func runSplit(ctx context.Context, r *Run) (err error) {
	s := &split{Run: r}
	ctx, stop := context.WithCancel(ctx)
	workers := &ownWorkers{Run: r}
	defer func() {
		stop()
		if ended := workers.wait(); err == nil {
			err = ended
		}
	}()
	running, err := ask[deployed](ctx, r, "The workers of this deployment that take queue lab", workersSQL, nil)
	if err != nil {
		return err
	}
	one := part{code: "one", title: "One worker", note: "It runs one job at a time.", queue: OwnQueue, slots: 1}
	two := part{code: "two", title: "Two workers", note: "Each runs one job at a time.", queue: OwnQueue, slots: 2}
	all := part{code: "all", title: "As many as run", queue: QueueName}
	all.note, all.slots = fmt.Sprintf("Workers of this deployment: %d, for %d jobs at once.", running[0].Workers, running[0].Slots), int(running[0].Slots)
	failing := all
	failing.code, failing.title, failing.fail = "failing", "A failure in the middle", failsAt
	failing.note = fmt.Sprintf("The mail server is down when letter %d is tried for the first time.", failsAt)
	for _, p := range []part{one, two, all, failing} {
		if p.slots == 0 {
			return Problem("No worker of this deployment runs, so the experiment ended early. Start one, and run it again.")
		}
		if p.queue == OwnQueue {
			if err := s.Show(ctx, "A worker is being started."); err != nil {
				return err
			}
			if err := workers.start(ctx); err != nil {
				return err
			}
		}
		if err := s.send(ctx, p); err != nil {
			return err
		}
	}
	return s.conclude(ctx)
}

// send sends the letters of a part in both ways, one after the other.
func (s *split) send(ctx context.Context, p part) error {
	s.parts = append(s.parts, p)
	for _, size := range []string{"big", "small"} {
		if err := s.enqueue(ctx, p, size); err != nil {
			return err
		}
		doing := fmt.Sprintf("%s: %s.", p.title, map[string]string{"big": "one big job", "small": "many small jobs"}[size])
		if err := s.Show(ctx, doing); err != nil {
			return err
		}
		err := until(ctx, func() (bool, error) {
			sums, err := s.sums(ctx)
			return err == nil && sums[p.code+"-"+size].Recorded == letters, err
		})
		if err != nil {
			return err
		}
		if err := s.draw(ctx, doing); err != nil {
			return err
		}
	}
	return nil
}

// enqueue enqueues all letters in one transaction, as one job or as many.
func (s *split) enqueue(ctx context.Context, p part, size string) error {
	batch := Batch{Run: s.ID, Part: p.code + "-" + size, FailAt: p.fail}
	jobs := []river.InsertManyParams{{Args: BigArgs{batch, letters}}}
	if size == "small" {
		jobs = nil
		for letter := 1; letter <= letters; letter++ {
			jobs = append(jobs, river.InsertManyParams{Args: SmallArgs{batch, letter}})
		}
	}
	for i := range jobs {
		jobs[i].InsertOpts = &river.InsertOpts{Queue: p.queue}
	}
	return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		_, err := s.Jobs.InsertManyTx(work.WithOrigin(ctx, work.Origin{RequestID: s.request(batch.Part)}), tx, jobs)
		return err
	})
}

func (s *split) request(part string) string { return "lab-" + s.ID + "-" + part }
