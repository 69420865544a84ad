package lab

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/trace"
)

// request is a row of sql/requests.sql.
type request struct {
	Side, RequestID    string
	StartedAt, EndedAt time.Time
	MS                 float64
	Steps              []trace.StepTimes
}

// attempt is a row of sql/attempts.sql.
type attempt struct {
	RequestID                 string
	JobID                     int64
	Kind                      string
	Attempt                   int
	Outcome, Worker           string
	DueAt, StartedAt, EndedAt time.Time
	WaitMS, RunMS             float64
	Steps                     []trace.StepTimes
}

// jobState is a row of sql/states.sql.
type jobState struct {
	ID          int64
	Kind, State string
	EnqueuedAt  time.Time
	StartedAt   *time.Time
	FinishedAt  *time.Time
}

// effect is a row of sql/letters.sql.
type effect struct {
	Effect, How string
	At          time.Time
}

func (s *site) attempts(ctx context.Context) ([]attempt, error) {
	return ask[attempt](ctx, s.Run, "The jobs' attempts", attemptsSQL, pgx.NamedArgs{"requests": []string{s.requestID("background")}})
}

// draw asks for everything that is known by now and draws it: both requests begin at 0 of the same axis.
func (s *site) draw(ctx context.Context, doing string) error {
	requests, err := ask[request](ctx, s.Run, "Both requests", requestsSQL, pgx.NamedArgs{"run": s.ID})
	if err != nil {
		return err
	}
	effects, err := ask[effect](ctx, s.Run, "The effects", lettersSQL, pgx.NamedArgs{
		"letters": []string{letterKey(s.ID, "inline"), letterKey(s.ID, "background")}, "reader": s.By.ReaderID,
	})
	if err != nil {
		return err
	}
	attempts, err := s.attempts(ctx)
	if err != nil {
		return err
	}
	states, err := ask[jobState](ctx, s.Run, "The jobs while they run", statesSQL, pgx.NamedArgs{"jobs": s.jobIDs})
	if err != nil {
		return err
	}
	s.Groups, s.Figures, s.Tables = nil, nil, nil
	for _, q := range requests {
		group := Group{
			Title: map[string]string{"inline": "Inline", "background": "In the background"}[q.Side],
			Lanes: requestLanes(q), Marks: []Mark{{q.MS, "the response ends"}},
		}
		lesson := lessonInline
		if q.Side == "background" {
			group.Lanes = append(group.Lanes, jobLanes(q.StartedAt, states, attempts)...)
			lesson = lessonBackground
		}
		s.Groups = append(s.Groups, group)
		s.Figures = append(s.Figures, Figure{group.Title, Milliseconds(q.MS), "the lesson says " + lesson})
	}
	s.Tables = []Table{effectTable(requests, effects)}
	if len(requests) == 2 && len(attempts) > 0 && len(attempts) >= len(s.jobIDs) {
		s.conclude(requests[0], requests[1], attempts)
	}
	return s.Show(ctx, doing)
}

// requestLanes draws a request and its steps.
func requestLanes(q request) []Lane {
	lanes := []Lane{{Name: "request", Note: Milliseconds(q.MS), Bars: []Bar{{Request, 0, q.MS, "the reader waits"}}}}
	return append(lanes, stepLanes(0, Step, q.Steps)...)
}

// stepLanes draws steps that begin at at. A step lies in those that it began and ended in.
func stepLanes(at float64, look Look, steps []trace.StepTimes) (lanes []Lane) {
	for i, step := range steps {
		depth := 1
		for _, outer := range steps[:i] {
			if outer.AtMS+outer.MS >= step.AtMS+step.MS && outer.Name != trace.Outside {
				depth++
			}
		}
		if step.Name == trace.Outside {
			continue
		}
		lanes = append(lanes, Lane{
			Name: step.Name, Depth: depth, Note: Milliseconds(step.MS),
			Bars: []Bar{{look, at + step.AtMS, at + step.AtMS + step.MS, fmt.Sprintf("%s: %s, %d queries", step.Name, Milliseconds(step.MS), step.Queries)}},
		})
	}
	return lanes
}

// jobLanes draws the jobs: from their record once there is one, before that from their state.
func jobLanes(zero time.Time, states []jobState, attempts []attempt) (lanes []Lane) {
	for _, job := range states {
		if slices.ContainsFunc(attempts, func(a attempt) bool { return a.JobID == job.ID }) {
			continue
		}
		lane := Lane{Name: job.Kind, Note: job.State}
		began := time.Now()
		if job.StartedAt != nil {
			began = *job.StartedAt
		}
		lane.Bars = append(lane.Bars, Bar{Wait, ms(zero, job.EnqueuedAt), ms(zero, began), "waits for a worker"})
		if job.StartedAt != nil {
			ended := time.Now()
			if job.FinishedAt != nil {
				ended = *job.FinishedAt
			}
			lane.Bars = append(lane.Bars, Bar{Attempt, ms(zero, began), ms(zero, ended), "runs"})
		}
		lanes = append(lanes, lane)
	}
	for _, a := range attempts {
		began := ms(zero, a.StartedAt)
		lanes = append(lanes, Lane{Name: "job " + a.Kind, Note: Milliseconds(a.RunMS), Bars: []Bar{
			{Wait, ms(zero, a.DueAt), began, "waited " + Milliseconds(a.WaitMS) + " for a worker"},
			{Attempt, began, ms(zero, a.EndedAt), "ran " + Milliseconds(a.RunMS) + " in " + a.Worker},
		}})
		lanes = append(lanes, stepLanes(began, Part, a.Steps)...)
	}
	return lanes
}

func effectTable(requests []request, effects []effect) Table {
	t := Table{Title: "What is there afterwards", Head: []string{"effect", "state", "when"}}
	for _, e := range effects {
		when := ""
		for _, q := range requests { // the latest that began before it
			if !e.At.Before(q.StartedAt) {
				when = fmt.Sprintf("%s after the %s request began", Milliseconds(ms(q.StartedAt, e.At)), q.Side)
			}
		}
		t.Rows = append(t.Rows, []string{e.Effect, e.How, when})
	}
	return t
}

// conclude says what this run has shown.
func (s *site) conclude(inline, background request, attempts []attempt) {
	last := slices.MaxFunc(attempts, func(a, b attempt) int { return a.EndedAt.Compare(b.EndedAt) })
	first := slices.MinFunc(attempts, func(a, b attempt) int { return a.StartedAt.Compare(b.StartedAt) })
	begun := "after"
	gap := ms(background.EndedAt, first.StartedAt)
	if gap < 0 {
		begun, gap = "before", -gap
	}
	s.Figures = append(s.Figures, Figure{"Times faster", Ratio(inline.MS / background.MS), "for the reader who waits"})
	s.Sentences = []string{
		fmt.Sprintf("Inline, the reader waited %s; in the background the answer took %s, and the first job began %s %s the response had ended.",
			Milliseconds(inline.MS), Milliseconds(background.MS), Milliseconds(gap), begun),
		fmt.Sprintf("The work is the same, and it was done %s after the request began: the time moved to a worker, where no reader waits for it.",
			Milliseconds(ms(background.StartedAt, last.EndedAt))),
	}
}
