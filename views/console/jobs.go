package console

import (
	"strings"
	"time"
)

// Job is a row of the list of jobs. The list shows some of its columns.
type Job struct {
	ID                         int64
	State, Kind, Queue         string
	Priority                   int16
	Attempt                    int16
	MaxAttempts                int16
	EnqueuedAt, ScheduledAt    *time.Time // null if infinite, as SQL may write them
	StartedAt, FinishedAt      *time.Time
	Wait, Run                  *time.Duration
	Worker, Release, RequestID *string
	Tags                       []string
	LastError                  *string
	Waiting, WhyWaiting        *string
	ProgressNote               *string
	Args                       *string
}

// when returns the time that counts in the job's state: when it finished, started or is due, or was enqueued.
func (j Job) when() *time.Time {
	switch {
	case j.FinishedAt != nil:
		return j.FinishedAt
	case j.State == "running":
		return j.StartedAt
	case j.State == "scheduled" || j.State == "retryable":
		return j.ScheduledAt
	}
	return j.EnqueuedAt
}

// why says why the job is in its state: the error, what it waits for, or how far it is.
func (j Job) why() string {
	for _, text := range []*string{failure(j), j.WhyWaiting, j.ProgressNote} {
		if text != nil {
			return *text
		}
	}
	return ""
}

func failure(j Job) *string {
	if j.State == "retryable" || j.State == "discarded" {
		return j.LastError
	}
	return nil
}

// UsualColumns returns the columns that the list shows unless others are chosen.
func UsualColumns() []string {
	return []string{"state", "kind", "queue", "attempt", "when", "wait", "run", "why"}
}

// JobColumns returns all columns that the list can show, besides the id.
func JobColumns() []string {
	return append(UsualColumns(), "enqueued_at", "scheduled_at", "worker", "release", "request_id", "tags", "priority", "args", "last_error")
}

// Search is the page of jobs without its panels.
type Search struct {
	Line                 string
	All                  bool // the line leaves no job out
	Columns              []string
	States, Times, Quick []Chip
	Acts                 []ListAct // those that apply to the states of the line
	Keys                 []SearchKey
	Exported             int // the most rows of an export
	Problem              Problem
}

// ListAct is an act that the list offers.
type ListAct struct{ Name, Help string }

func (a ListAct) text() string { return capital(strings.ReplaceAll(a.Name, "-", " ")) }

// SearchKey explains a key of the search line.
type SearchKey struct{ Help, Example string }

// Chip is a link that changes the search.
type Chip struct {
	Text, Line string
	On         bool
}

// Problem says what is wrong with a search line. At and End bound the wrong part, in bytes.
type Problem struct {
	Sentence, Instead string
	At, End           int
}

// parts returns the line before, in and after its wrong part.
func (p Problem) parts(line string) (before, wrong, after string) {
	at := min(max(p.At, 0), len(line))
	end := min(max(p.End, at), len(line))
	return line[:at], line[at:end], line[end:]
}

// JobList is a page of the list of jobs.
type JobList struct {
	Jobs    []Job
	Columns []string
	All     bool   // the search leaves no job out
	Kind    string // the only kind that it names
	First   bool   // this is not the first page
	Next    string // the cursor of the next page; empty on the last
	Reached []Reach
	Wider   []Chip // searches that find more, for an empty list
}

// Reach is how far a search has looked among the jobs of a state.
type Reach struct {
	State string
	Jobs  int64
	At    *time.Time
}

// SavedView is a search under a name.
type SavedView struct {
	ID                  int64
	Name, Owner, Search string
	Columns             []string
	Shared, Mine        bool
}

// url returns the address of the list that the view shows.
func (s SavedView) url() string {
	u := Jobs(s.Search)
	for _, c := range s.Columns {
		u += "&col=" + c
	}
	return u
}

// JobCount is the number of jobs that match.
type JobCount struct{ Jobs int64 }
