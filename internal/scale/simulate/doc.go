// Package simulate replays a load of jobs, event by event, against policies that scale workers: the planner, and models of how other
// products are documented to scale. It counts what each would have done: waits, dyno-hours, killed jobs and changes.
//
// The system is a queue in order of arrival, workers with slots that take jobs in no order, a boot time, and a platform that removes the
// highest-numbered workers with SIGTERM and kills what they still run 25 s later. A killed job starts again. Boots are paid for.
package simulate
