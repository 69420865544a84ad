package work

import "github.com/riverqueue/river/rivertype"

// Unfinished returns the states for river.UniqueOpts.ByState that allow a kind at most one unfinished job per set of args. A
// finished job does not block the next. River requires running to be among them, so a job that must act on changes made
// while it runs has to check for them when it completes, as recommend_reader does.
func Unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateScheduled, rivertype.JobStateRetryable,
	}
}
