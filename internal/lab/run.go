package lab

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// By is who starts an experiment: the account that it works on.
type By struct {
	ReaderID int64
	Name     string
}

// ErrNoReader means that there is no account with ratings to work on.
var ErrNoReader = errors.New("no reader has rated a book")

// SomeReader returns an account for experiments that a visitor starts, which only dev allows.
func (l *Lab) SomeReader(ctx context.Context) (By, error) {
	row, err := store.New().LabSomeReader(ctx, l.DB)
	if errors.Is(err, pgx.ErrNoRows) {
		return By{}, ErrNoReader
	}
	return By{row.ID, row.Name}, err
}

// BusyError means that an experiment runs already.
type BusyError struct{ State State }

func (e *BusyError) Error() string {
	return fmt.Sprintf("experiment %s of %s runs already", e.State.Experiment, e.State.StartedBy)
}

// Problem is an error that the run's page shows as it is.
type Problem string

func (p Problem) Error() string { return string(p) }

// heartbeat is how often the process that runs an experiment says that it is alive. LabEndSilent waits for five.
const heartbeat = 2 * time.Second

// died is the problem of a run whose process has not been heard of for that long.
const died = "The process that ran it has died."

// Start starts an experiment and returns the id of its run. It returns a *BusyError while another one runs.
func (l *Lab) Start(ctx context.Context, e Experiment, by By) (id string, err error) {
	id = rand.Text()
	q := store.New()
	if err := q.LabEndSilent(ctx, l.DB, died); err != nil {
		return "", fmt.Errorf("end runs of dead processes: %w", err)
	}
	n, err := q.LabInsert(ctx, l.DB, store.LabInsertParams{ID: id, Experiment: e.Slug, ReaderID: by.ReaderID, StartedBy: by.Name})
	if err != nil {
		return "", fmt.Errorf("record the run: %w", err)
	}
	if n == 0 {
		running, err := q.LabRunning(ctx, l.DB)
		if errors.Is(err, pgx.ErrNoRows) { // it has just ended
			return l.Start(ctx, e, by)
		}
		if err != nil {
			return "", err
		}
		return "", &BusyError{state(running)}
	}
	l.running.Go(func() { l.run(e, &Run{ID: id, By: by, Lab: l}) })
	return id, nil
}

// wellFormed is what the id of a run looks like.
var wellFormed = regexp.MustCompile("^[A-Za-z0-9]{1,40}$")

// State returns a run. It returns pgx.ErrNoRows for an id that is unknown or older than a week.
func (l *Lab) State(ctx context.Context, e Experiment, id string) (State, error) {
	if !wellFormed.MatchString(id) { // Postgres cannot take every text
		return State{}, pgx.ErrNoRows
	}
	row, err := store.New().LabGet(ctx, l.DB, id)
	if err == nil && row.LabRun.Experiment != e.Slug {
		err = pgx.ErrNoRows
	}
	s := state(row.LabRun)
	if row.Silent { // the next Start ends it
		s.Running, s.Problem = false, died
	}
	return s, err
}

func state(row store.LabRun) State {
	s := State{
		ID: row.ID, Experiment: row.Experiment, StartedBy: row.StartedBy, StartedAt: row.StartedAt,
		Running: row.EndedAt == nil, Doing: row.Doing, Problem: row.Problem,
	}
	_ = json.Unmarshal(row.Result, &s.Result) // written by Show; of an older release, what this one knows of it
	return s
}

// Run is a run of an experiment.
type Run struct {
	ID string
	By By
	*Lab
	Result // what it has measured so far
}

// run runs an experiment to its end and records how it ended.
func (l *Lab) run(e Experiment, r *Run) {
	ctx, cancel := context.WithTimeout(l.ctx, e.Limit)
	defer cancel()
	go r.stayAlive(ctx)
	err := e.Run(ctx, r)
	problem := ""
	if said, ok := errors.AsType[Problem](err); ok {
		problem = string(said)
	} else if l.ctx.Err() != nil {
		problem = "The process that ran it was stopped."
	} else if errors.Is(err, context.DeadlineExceeded) {
		problem = fmt.Sprintf("It was not done after %d s. Does a worker run? This is what was measured until then.", int(e.Limit.Seconds()))
	} else if err != nil {
		problem = "An error ended it. The log of the web process has it."
	}
	if err != nil {
		l.Log.Warn("an experiment did not come to its end", "experiment", e.Slug, "run", r.ID, "err", err)
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	result, err := json.Marshal(r.Result)
	err = errors.Join(
		err, deleteJobs(ctx, l.Jobs),
		store.New().LabEnd(ctx, l.DB, store.LabEndParams{ID: r.ID, Problem: problem, Result: result}),
		r.tell(ctx),
	)
	if err != nil {
		l.Log.Error("the end of an experiment was not recorded", "experiment", e.Slug, "run", r.ID, "err", err)
	}
}

// stayAlive keeps the run from being taken for one whose process has died.
func (r *Run) stayAlive(ctx context.Context) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if err := store.New().LabSeen(ctx, r.DB, r.ID); err != nil && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "the heartbeat of an experiment failed; will retry", "run", r.ID, "err", err)
			}
		}
	}
}

// Show stores what was measured so far and what the experiment does next, and redraws the open pages of the run.
func (r *Run) Show(ctx context.Context, doing string) error {
	result, err := json.Marshal(r.Result)
	if err != nil {
		return err
	}
	if err := store.New().LabShow(ctx, r.DB, store.LabShowParams{ID: r.ID, Doing: doing, Result: result}); err != nil {
		return fmt.Errorf("store what was measured: %w", err)
	}
	return r.tell(ctx)
}

func (r *Run) tell(ctx context.Context) error {
	_, err := r.DB.Exec(ctx, "select pg_notify($1, $2)", Channel, r.ID)
	return err
}

// Channel is Postgres's channel for notices of runs that have changed; the payload is the run's id.
const Channel = "lab"

// Topic returns the topic of a run's pages in the hub.
func Topic(id string) (string, error) { return "lab/" + id, nil }

// pause is how long an experiment waits before it looks again at what others do.
const pause = 40 * time.Millisecond

// until calls look again and again until it reports true.
func until(ctx context.Context, look func() (bool, error)) error {
	for {
		done, err := look()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
