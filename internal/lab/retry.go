package lab

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/work"
)

var (
	//go:embed sql/inbox.sql
	inboxSQL string
	//go:embed sql/letter.sql
	letterSQL string
)

// downFor is how many attempts of the experiment fail.
const downFor = 2

func retry() Experiment {
	return Experiment{
		Slug: "fails-twice", Title: "It fails twice, then succeeds",
		Purpose: "A mail server is down for two attempts. Nothing is lost, and nothing but the job waits.",
		Lesson: "A job sends a letter, but at first nothing listens at the mail server’s port. The attempt fails with a real error, and the job " +
			"comes back later, after a back-off that grows. This kind of job waits 0.6 s and then 1.2 s, so that you need not wait long; " +
			"by default jobs wait 1 s, then 16 s, then 81 s. Jobs that are due again are looked for every second. The errors go to the inbox of the console: one line, however often they happen.",
		Button: "Send a letter", Limit: 40 * time.Second,
		Code: []Code{
			{"The job: an error is all it takes", "retry_job.go", "retryWorker.Work"},
			{"The back-off of this kind", "retry_job.go", "retryWorker.NextRetry"},
		},
		Run: runRetry,
	}
}

// inboxLine is a row of sql/inbox.sql.
type inboxLine struct {
	Message   string
	Kinds     []string
	FirstSeen time.Time
	LastSeen  time.Time
	Times     int64
	Aside     bool
}

// sentLetter is a row of sql/letter.sql.
type sentLetter struct {
	State, LastError string
	SentAt           *time.Time
}

func runRetry(ctx context.Context, r *Run) error {
	me, err := r.Slow.load(ctx, r.By.ReaderID)
	if err != nil {
		return err
	}
	request := "lab-" + r.ID
	var jobID int64
	err = pgx.BeginFunc(ctx, r.DB, func(tx pgx.Tx) error {
		letter, err := r.Slow.write(ctx, tx, me, r.ID, "retry")
		if err != nil {
			return err
		}
		job, err := r.Jobs.InsertTx(work.WithOrigin(ctx, work.Origin{RequestID: request}), tx, RetryArgs{MessageID: letter, DownFor: downFor}, nil)
		if err == nil {
			jobID = job.Job.ID
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("enqueue the letter: %w", err)
	}
	seen := -1
	return until(ctx, func() (bool, error) {
		attempts, err := ask[attempt](ctx, r, "The attempts", attemptsSQL, pgx.NamedArgs{"requests": []string{request}})
		if err != nil {
			return false, err
		}
		if _, err := ask[jobState](ctx, r, "The job while it waits", statesSQL, pgx.NamedArgs{"jobs": []int64{jobID}}); err != nil {
			return false, err
		}
		done := len(attempts) > downFor
		if seen == len(attempts) {
			return done, nil
		}
		seen = len(attempts)
		return done, r.drawRetry(ctx, request, attempts)
	})
}

// drawRetry draws the attempts that are on record, and what there is besides.
func (r *Run) drawRetry(ctx context.Context, request string, attempts []attempt) error {
	inbox, err := ask[inboxLine](ctx, r, "The inbox of errors", inboxSQL, pgx.NamedArgs{"request": request})
	if err != nil {
		return err
	}
	letters, err := ask[sentLetter](ctx, r, "The letter", letterSQL, pgx.NamedArgs{"letter": letterKey(r.ID, "retry")})
	if err != nil {
		return err
	}
	doing := []string{"The job is enqueued.", "The first attempt failed. The job backs off.", "The second attempt failed too. The job backs off for longer.", "The letter is sent."}
	r.Groups, r.Tables = nil, nil
	if len(attempts) > 0 {
		r.Groups = []Group{retryGroup(attempts)}
	}
	inboxTable := Table{
		Title: "What the error inbox shows", Head: []string{"error", "kind", "attempts", "first seen", "last seen"},
		Note: "Jobs of the lab are left out of the console’s own inbox, since they fail on purpose. For other kinds the line would stand there, to retry, mute or resolve.",
	}
	for _, line := range inbox {
		inboxTable.Rows = append(inboxTable.Rows, []string{
			line.Message, strings.Join(line.Kinds, ", "), fmt.Sprint(line.Times),
			line.FirstSeen.UTC().Format(time.TimeOnly), line.LastSeen.UTC().Format(time.TimeOnly),
		})
	}
	r.Tables = append(r.Tables, inboxTable)
	if len(attempts) > downFor && len(letters) == 1 {
		r.concludeRetry(attempts, inbox, letters[0])
	}
	return r.Show(ctx, doing[min(len(attempts), len(doing)-1)])
}

// retryGroup draws the whole job on one lane, and each attempt on one of its own.
func retryGroup(attempts []attempt) Group {
	zero := attempts[0].DueAt
	job := Lane{Name: "the job"}
	lanes := []Lane{}
	for i, a := range attempts {
		began, ended := ms(zero, a.StartedAt), ms(zero, a.EndedAt)
		if i > 0 {
			before := ms(zero, attempts[i-1].EndedAt)
			job.Bars = append(job.Bars, Bar{Backoff, before, ms(zero, a.DueAt), "backs off for " + Milliseconds(ms(attempts[i-1].EndedAt, a.DueAt))})
		}
		look := Attempt
		if a.Outcome != "completed" {
			look = Failed
		}
		wait := Bar{Wait, ms(zero, a.DueAt), began, "is due, and waits " + Milliseconds(a.WaitMS) + " for a worker"}
		run := Bar{look, began, ended, "ran " + Milliseconds(a.RunMS) + ": " + a.Outcome}
		job.Bars = append(job.Bars, wait, run)
		lanes = append(lanes, Lane{Name: fmt.Sprintf("attempt %d, %s", i+1, a.Outcome), Note: Milliseconds(a.RunMS), Bars: []Bar{run}})
		lanes = append(lanes, stepLanes(began, Part, a.Steps)...)
	}
	return Group{Title: "One job, and its attempts", Lanes: slices.Concat([]Lane{job}, lanes)}
}

func (r *Run) concludeRetry(attempts []attempt, inbox []inboxLine, letter sentLetter) {
	busy, waits := 0.0, []string{}
	for i, a := range attempts {
		busy += a.RunMS
		if i > 0 {
			waits = append(waits, Milliseconds(ms(attempts[i-1].EndedAt, a.StartedAt)))
		}
	}
	last := attempts[len(attempts)-1]
	whole := ms(attempts[0].DueAt, last.EndedAt)
	r.Figures = []Figure{
		{"Attempts", fmt.Sprint(len(attempts)), fmt.Sprintf("%d failed", len(attempts)-1)},
		{"From enqueued to done", Milliseconds(whole), "most of it back-off"},
		{"A worker was busy for", Milliseconds(busy), "and free for other jobs otherwise"},
	}
	r.Sentences = []string{
		fmt.Sprintf("%d attempts failed with a real error; the job came back after %s, and attempt %d sent the letter, once: its state is %s.",
			len(attempts)-1, strings.Join(waits, " and "), len(attempts), letter.State),
		fmt.Sprintf("The job took %s, but a worker only %s of it; the inbox has %d line for %d failures.",
			Milliseconds(whole), Milliseconds(busy), len(inbox), len(attempts)-1),
	}
}
