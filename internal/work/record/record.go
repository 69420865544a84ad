// Package record keeps a record of what happened: attempts for a day, their sums by minute and by error for a month, and the web
// requests that enqueued jobs. It writes in batches in the background; jobs never wait for it, and run even if it fails.
package record

import "log/slog"

// Options configure what a process records.
type Options struct {
	Schema  string // River's
	Process string // the platform's name for this process
	Release string
	Without Parts // what is not recorded
	Log     *slog.Logger
}

// Parts is a set of parts of the record.
type Parts uint8

// Attempts are rows of work.attempt, Minutes rows of work.minute_release. Everything includes errors, steps and logs.
const (
	Attempts Parts = 1 << iota
	Minutes
	Everything Parts = 1<<8 - 1
)
