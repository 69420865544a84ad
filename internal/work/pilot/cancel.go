package pilot

import "fmt"

// CancelJob makes River end a job of this process, as a notice of its cancellation would.
func (l *Line) CancelJob(queue string, id int64) {
	l.deliver(l.Schema+".river_control", fmt.Sprintf(`{"action": "cancel", "job_id": %d, "queue": %q}`, id, queue))
}
