package console

import "time"

// JobEvent is an attempt of a job, or the job as it is now.
type JobEvent struct {
	Part        string // attempt or job
	Attempt     int64
	State       string // an attempt's outcome, or the job's state
	Code        string
	DueAt       *time.Time // of the job: when it was enqueued
	ScheduledAt *time.Time // of the job only
	StartedAt   *time.Time // null for attempts that only the job's errors tell of
	EndedAt     *time.Time
}

// lap is an attempt with the times before it.
type lap struct {
	attempt int64
	legs    []leg
	state   string // how it ended, or the job's state now
	code    string
	ended   *time.Time
	live    bool // goes on
}

// leg is a time in one state.
type leg struct {
	what  string // one of the words below
	began time.Time
	took  time.Duration
}

// life is a job's laps, and their sums.
type life struct {
	enqueued, end time.Time
	laps          []lap
	sums          map[string]time.Duration
	state         string     // now; empty if the job is deleted
	due           *time.Time // when a waiting job becomes available
}

// gapWord says what a job did between the end of an attempt and being due again.
func gapWord(state string) string {
	switch state {
	case "":
		return "scheduled"
	case "failed", "retryable":
		return "backed off"
	case "lost":
		return "until rescued"
	case "snoozed":
		return "snoozed"
	case "handed back", "held":
		return "handed back"
	}
	return "at rest"
}

// newLife makes laps of events, which are in the order of their end, the job last.
func newLife(events []JobEvent, now time.Time) (l life) {
	l.sums = map[string]time.Duration{}
	var job *JobEvent
	for i := range events {
		if events[i].Part == "job" {
			job = &events[i]
		}
	}
	last := time.Time{}
	switch {
	case job != nil && job.DueAt != nil:
		last = *job.DueAt
	case len(events) > 0 && events[0].DueAt != nil:
		last = *events[0].DueAt
	}
	l.enqueued = last
	before := ""
	for _, e := range events {
		if e.Part == "attempt" {
			l.laps = append(l.laps, l.past(e, last, before))
			if e.EndedAt != nil {
				last, before = *e.EndedAt, e.State
			}
		}
	}
	l.end = last
	if job != nil {
		l.state = job.State
		l.present(job, last, before, now)
	}
	for _, p := range l.laps {
		for _, g := range p.legs {
			l.sums[g.what] += g.took
		}
	}
	return l
}

// past returns the lap of an attempt that ended.
func (l *life) past(e JobEvent, last time.Time, before string) lap {
	p := lap{attempt: e.Attempt, state: e.State, code: e.Code, ended: e.EndedAt}
	if e.DueAt != nil && e.StartedAt != nil && e.EndedAt != nil {
		p.add(gapWord(before), last, *e.DueAt)
		p.add("waited", *e.DueAt, *e.StartedAt)
		p.add("ran", *e.StartedAt, *e.EndedAt)
	}
	return p
}

// present adds the lap that goes on, or that is missing in the record of attempts.
func (l *life) present(job *JobEvent, last time.Time, before string, now time.Time) {
	p := lap{attempt: job.Attempt, state: job.State, live: true}
	due := last
	if job.ScheduledAt != nil && job.ScheduledAt.After(last) {
		due = *job.ScheduledAt
	}
	switch job.State {
	case "running":
		if job.StartedAt == nil {
			return
		}
		if due.After(*job.StartedAt) {
			due = last
		}
		p.add(gapWord(before), last, due)
		p.add("waited", due, *job.StartedAt)
		p.add("ran", *job.StartedAt, now)
		l.end = now
	case "completed", "cancelled", "discarded":
		l.end = maxTime(l.end, job.EndedAt)
		if job.Attempt > 0 && len(l.laps) == 0 && job.StartedAt != nil && job.EndedAt != nil {
			p.add("waited", due, *job.StartedAt)
			p.add("ran", *job.StartedAt, *job.EndedAt)
			p.live, p.ended = false, job.EndedAt
			l.laps = append(l.laps, p)
		}
		return
	case "available":
		p.attempt++
		if due.After(now) {
			due = last
		}
		p.add(gapWord(before), last, due)
		p.add("waited", due, now)
		l.end = now
	default:
		p.attempt++
		p.add(gapWord(before), last, now)
		l.due, l.end = job.ScheduledAt, now
		if job.State == "pending" {
			l.due = nil
		}
	}
	l.laps = append(l.laps, p)
}

func (p *lap) add(what string, from, to time.Time) {
	if d := to.Sub(from); d >= time.Millisecond && !from.IsZero() {
		p.legs = append(p.legs, leg{what, from, d})
	}
}

func maxTime(a time.Time, b *time.Time) time.Time {
	if b != nil && b.After(a) {
		return *b
	}
	return a
}

// place returns where a leg lies in the job's life, in percent.
func (l life) place(g leg) (x, width float64) {
	whole := float64(l.end.Sub(l.enqueued))
	if whole <= 0 {
		return 0, 0
	}
	x = max(0, min(100, float64(g.began.Sub(l.enqueued))/whole*100))
	return x, max(.35, min(100-x, float64(g.took)/whole*100))
}
