package lab

import (
	"fmt"
	"slices"
	"time"
)

// try is an attempt of a job, ended or not, or the wait for the first one.
type try struct {
	number         int
	process        string
	due            time.Time
	started, ended *time.Time
	outcome        string // empty until it is recorded
}

// tries returns the attempts of a job: those that are recorded, and the one that the job's row shows.
func (o *own) tries(job int64) (list []try) {
	for _, a := range o.attempts {
		if a.JobID == job && (len(list) == 0 || list[len(list)-1].number < a.Attempt) {
			t := try{number: a.Attempt, due: a.DueAt, started: &a.StartedAt, ended: &a.EndedAt, outcome: a.Outcome}
			if a.Process != nil {
				t.process = *a.Process
			}
			list = append(list, t)
		}
	}
	for _, j := range o.jobs {
		if j.ID != job || len(list) > 0 && list[len(list)-1].number >= j.Attempt && j.Waiting == nil {
			continue
		}
		t := try{number: j.Attempt, due: j.EnqueuedAt, started: j.StartedAt, ended: j.FinishedAt}
		if len(list) > 0 {
			t.due = *list[len(list)-1].ended
		}
		if j.Waiting != nil {
			t.number, t.started = j.Attempt+1, nil
		} else if j.Worker != nil {
			t.process = o.process(*j.Worker)
		}
		list = append(list, t)
	}
	return list
}

// upTo returns the time from one moment to another, or to now if that is still to come, in milliseconds.
func upTo(from time.Time, to *time.Time) float64 {
	if to == nil {
		return ms(from, time.Now())
	}
	return ms(from, *to)
}

// waitBar draws the wait of an attempt.
func (t try) waitBar(zero time.Time) Bar {
	b := Bar{Wait, ms(zero, t.due), upTo(zero, t.started), "waits for a worker"}
	if t.started != nil {
		b.Text = "waited " + Milliseconds(b.To-b.From)
	}
	return b
}

// at returns when something first happened in a part, nil if it has not; attempt 0 is any.
func (o *own) at(part, what string, attempt int) *time.Time {
	i := slices.IndexFunc(o.events, func(e event) bool {
		return e.Part == part && e.What == what && (attempt == 0 || e.Attempt != nil && *e.Attempt == attempt)
	})
	if i < 0 {
		return nil
	}
	return &o.events[i].At
}

// count returns how often something happened in a part; attempt 0 is any.
func (o *own) count(part, what string, attempt int) (n int) {
	for _, e := range o.events {
		if e.Part == part && e.What == what && (attempt == 0 || e.Attempt != nil && *e.Attempt == attempt) {
			n++
		}
	}
	return n
}

// callLane draws the calls of an attempt to the slow service.
func (o *own) callLane(zero time.Time, part string, attempt int) Lane {
	lane := Lane{Name: "calls", Depth: 1}
	for _, e := range o.events {
		if e.Part == part && e.What == called && e.Attempt != nil && *e.Attempt == attempt {
			end := ms(zero, e.At)
			lane.Bars = append(lane.Bars, Bar{Part, end - ms(zero, zero.Add(o.Slow.MailDelay))*.9, end, "a call to the slow service"})
		}
	}
	lane.Note = fmt.Sprint(len(lane.Bars))
	return lane
}
