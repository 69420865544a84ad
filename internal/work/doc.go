// Package work is the job system: the only place where the program makes River clients. To River it adds prompt notices, effects that
// are committed with their job's completion, heartbeats and the prompt rescue of dead workers' jobs, draining, and metadata
// that records where a job came from.
//
// # For authors of jobs
//
// A job is an args struct and a worker, registered with [AddWorker]; a [Client] enqueues it. While it runs, its context
// carries one run, which [Finish], [Hold], [Advance], [Progress] and [Log] find there. [Permanent] and [RetryAfter] say how an
// error is retried; a [Schedule] enqueues a job repeatedly.
//
//	client.go, kind.go      clients, options, the registry of kinds; unfinished.go: one unfinished job per set of args
//	accept.go, origin.go    what an insert refuses, and what it adds
//	finish.go, cursor.go    the fence: effects that are committed with the job
//	progress.go, log.go     what a running job reports
//	retry.go, limit.go      retries and time limits
//	brief.go                brief kinds, whose jobs share transactions; brief_run.go: one attempt of theirs
//
// # The processes
//
// A [Worker] works jobs; a [Maintainer] does maintenance in a process that works none.
//
//	process.go              a worker process as a whole: connections, collector, kinds, worker
//	worker.go               starting and stopping
//	run.go, outcome.go      one attempt, and the one place where its outcome is decided
//	lines.go                its line in the process's log
//	liveness.go, cancel.go  heartbeats, draining, and cancellation by operators
//	rescue.go               the rescue of dead workers' jobs
//	maintenance.go          maintenance, which every process does: jobs come due (comedue.go), schedules run
//
// # The packages below
//
// Each imports only those before it:
//
//	bound, mask             size limits of what a job stores, and masking of secrets and addresses in it
//	metadata                the keys of our metadata, and functions that read them
//	insert                  the options of an insert as data
//	pilot                   the interface to River's internals: fetching, storing outcomes, the worker's own connection, isolation
//	record                  the record of what happened: attempts, minutes, errors, requests
//	brief                   batches of brief jobs
//	schedule                schedules: their specs, their rows, and running those that are due
//
// Package worktest, above all of them, runs workers in tests.
package work
