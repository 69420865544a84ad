package record

import (
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/metadata"
)

// What may become of an attempt.
const (
	Completed  = "completed"
	Failed     = "failed" // and is tried again
	Discarded  = "discarded"
	Cancelled  = "cancelled"
	Snoozed    = "snoozed"
	HandedBack = "handed back" // at a stop
	Held       = "held"        // its arguments cannot be read
	Lost       = "lost"        // to another attempt, or with its worker
)

// Attempt is one row of work.attempt in the making. Its run fills it in, or the process that rescues its job.
type Attempt struct {
	JobID     int64
	Number    int
	Kind      string
	Queue     string
	Outcome   string
	Worker    string
	Release   string
	Origin    metadata.Origin
	Due       time.Time
	Started   time.Time // by the database's clock
	Run       time.Duration
	Err       string
	Code      string // why a rescue ended it
	Stack     string
	CountsErr bool   // the error is listed for operators: it gets a fingerprint
	finger    string // once it is about to be written
	Steps     *trace.Trace

	// contested says that another process may have noted the same attempt: it is written only if no other has written it.
	Contested bool

	bytes int // about what it takes in memory
}

// NewAttempt returns the record of an attempt that begins. It starts no earlier than it was due: a job that commits while a
// fetch is on its way may be some microseconds younger than the fetch's time.
func NewAttempt(job *rivertype.JobRow, worker, release string) *Attempt {
	due, started := metadata.DueAt(job), *job.AttemptedAt
	if due.After(started) {
		due = started
	}
	return &Attempt{
		JobID: job.ID, Number: job.Attempt, Kind: job.Kind, Queue: job.Queue, Worker: worker, Release: release,
		Origin: metadata.OriginOf(job), Due: due, Started: started,
	}
}
