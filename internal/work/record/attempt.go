package record

import (
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/metadata"
)

// The outcomes of an attempt.
const (
	Completed  = "completed"
	Failed     = "failed" // and will be retried
	Discarded  = "discarded"
	Cancelled  = "cancelled"
	Snoozed    = "snoozed"
	HandedBack = "handed back" // at a stop
	Held       = "held"        // its arguments cannot be read
	Lost       = "lost"        // to another attempt, or because its worker died
)

// Attempt becomes a row of work.attempt. Its run fills it in, or the process that rescues its job.
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
	finger    string // the fingerprint, set before it is written
	Steps     *trace.Trace

	// Contested means that another process may record the same attempt too: the first one writes it.
	Contested bool

	// Brief means that it ran in a batch. If it was the job's first, and has nothing that the job's row lacks, it gets no row in
	// work.attempt: jobs.attempt reads the job's.
	Brief bool

	bytes int // estimate of its size in memory
}

// NewAttempt returns the record of an attempt that begins. Its start is not before it was due: a job that commits during a
// fetch may be some microseconds younger than the fetch's time.
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
