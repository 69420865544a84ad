// Package record keeps what happened: attempts for a day, sums of them by minute and by error for a month, and the web requests
// that enqueued jobs. All of it is written in batches, beside the work and never in its way; work is done without it.
package record

import "log/slog"

// Options say how a process records.
type Options struct {
	Schema  string // River's
	Process string // the platform's name for this process
	Release string
	Without Parts // what is not recorded
	Log     *slog.Logger
}

// Parts are parts of what is recorded.
type Parts uint8

// Attempts are rows of work.attempt, Minutes those of work.minute. Everything has errors, steps and logs as well.
const (
	Attempts Parts = 1 << iota
	Minutes
	Everything Parts = 1<<8 - 1
)
