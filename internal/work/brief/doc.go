// Package brief runs brief jobs: many in one transaction, with one update of their rows. A brief job makes no network call and
// writes only through its Effects, so a batch costs little more than its effects do.
//
// A Lane stands beside River's producers in a worker process, under the same gate. Its loops take turns at the queues of the
// brief kinds (turns.go). A batch (batch.go) is one transaction. Its head locks waiting jobs, without writing that they run. Their
// handlers run (handlers.go). Its tail completes the jobs that ran, stores the outcomes of the others, sends the effects and
// commits. If the process dies, its locks are gone at once and the jobs wait as before: they have spent no attempt.
//
// A job that takes too long, has too many effects, or whose effects the server refuses is moved to the ordinary lane (move.go): a
// queue from which River's producer takes the jobs one by one. There the same handler runs with its effects in work.Finish.
package brief
