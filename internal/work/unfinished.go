package work

import "github.com/riverqueue/river/rivertype"

// Unfinished are the states for river.UniqueOpts.ByState by which a kind has at most one unfinished job for each set of
// args. A finished job does not block the next. River requires running to be among them, so a job that has to act on
// what changes during its run must check that when it completes, as recommend_reader does.
func Unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateScheduled, rivertype.JobStateRetryable,
	}
}
