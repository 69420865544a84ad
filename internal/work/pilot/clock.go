package pilot

import (
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// The server's clock decides whether a job is due, but River writes the time by the clock of the process. The jobs of a host
// whose clock is minutes ahead would wait minutes too long, and those of a host whose clock is behind would not wait at all.

// clocksApart is the difference between the two clocks from which times are corrected. Smaller ones are lost in the latency.
const clocksApart = time.Second

// dueNow lets the server set the time of jobs that are due at once: for the zero time River's SQL uses the server's clock.
func dueNow(jobs []*riverdriver.JobInsertFastParams) {
	for _, job := range jobs {
		if job.ScheduledAt == nil && job.State == rivertype.JobStateAvailable {
			job.ScheduledAt = &time.Time{}
		}
	}
}

// byTheServersClock converts the times at which jobs are due again to the server's clock, which just showed server.
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
