package work

import (
	"time"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/metadata"
)

// attempt is one row of work.attempt in the making. Its run fills it in, or the process that rescues its job.
type attempt struct {
	jobID     int64
	number    int
	kind      string
	queue     string
	outcome   string
	worker    string
	release   string
	origin    metadata.Origin
	due       time.Time
	started   time.Time // by the database's clock
	run       time.Duration
	err       string
	code      string // why a rescue ended it
	stack     string
	countsErr bool   // the error is listed for operators: it gets a fingerprint
	finger    string // once it is about to be written
	steps     *trace.Trace

	// contested says that another process may have noted the same attempt: it is written only if no other has written it.
	contested bool

	bytes int // about what it takes in memory
}

func newAttempt(job *jobRow, worker, release string) *attempt {
	return &attempt{
		jobID: job.ID, number: job.Attempt, kind: job.Kind, queue: job.Queue, worker: worker, release: release,
		origin: metadata.OriginOf(job), due: metadata.DueAt(job), started: *job.AttemptedAt,
	}
}
