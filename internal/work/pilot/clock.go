package pilot

import (
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// Whether a job is due is decided by the server's clock, but River writes when it is due by the clock of the process. A
// host that is minutes ahead would make its jobs wait for as long, and one that is behind would not wait at all.

// clocksApart is how far two clocks may differ before anything is put right: less is lost in the way to the server.
const clocksApart = time.Second

// dueNow leaves the time of jobs that are due at once to the server. River's SQL takes the zero time for that.
func dueNow(jobs []*riverdriver.JobInsertFastParams) {
	for _, job := range jobs {
		if job.ScheduledAt == nil && job.State == rivertype.JobStateAvailable {
			job.ScheduledAt = &time.Time{}
		}
	}
}

// byTheServersClock moves the times at which jobs are due again. server is what its clock showed just now.
func byTheServersClock(due []*time.Time, server time.Time) {
	apart := time.Until(server)
	if apart.Abs() < clocksApart {
		return
	}
	for i, at := range due {
		if at != nil {
			moved := at.Add(apart)
			due[i] = &moved
		}
	}
}
