// Package work is the job system: the only place where the program's River clients are made. It adds to River what operators
// feel most: prompt notices, effects that complete with their job, workers that prove themselves alive and whose jobs are
// rescued within seconds of their death, draining, and metadata that tells where a job came from.
//
// # For authors of jobs
//
// A job is an args struct and a worker, registered with [AddWorker]; a [Client] enqueues it. While it runs, its context
// carries one run, which [Finish], [Hold], [Advance], [Progress] and [Log] find there. [Permanent] and [RetryAfter] tell how
// to treat an error. [Schedule] runs a job periodically.
//
//	client.go, kind.go      clients, options, the registry of kinds; unfinished.go: at most one job per set of args
//	accept.go, origin.go    what an insert refuses, and what it adds
//	finish.go, cursor.go    the fence: effects that are committed with the job
//	progress.go, log.go     what a running job reports
//	retry.go, limit.go      retries and time limits
//
// # The processes
//
// A [Worker] works jobs; a [Maintainer] looks after them in a process that works none.
//
//	process.go              a worker process as a whole: connections, collector, kinds, worker
//	worker.go               starting and stopping
//	run.go, outcome.go      one attempt, and the one place where its outcome is decided
//	lines.go                its line in the process's log
//	liveness.go, cancel.go  heartbeats, draining, and what an operator cancelled
//	rescue.go               the jobs of workers that died
//	maintenance.go          what every process does: comedue.go, and schedules
//
// # The packages below
//
// Each imports only those before it:
//
//	bound, mask             limits of what a job may leave behind, and what is kept out of it
//	metadata                the keys of our metadata, and their readers
//	insert                  the options of an insert as data
//	pilot                   the seam with River: fetching, storing outcomes, the worker's own connection, isolation
//	record                  what happened: attempts, minutes, errors, requests
//	schedule                when: specs, their rows, and running those that are due
//
// Package worktest, above all of them, runs workers in tests.
package work
