package record

import (
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// TestNewAttempt: an attempt never starts before it was due, although a job may commit just after its fetch began.
func TestNewAttempt(t *testing.T) {
	t.Parallel()
	fetched := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, c := range []struct{ enqueued, due time.Time }{
		{fetched.Add(-time.Second), fetched.Add(-time.Second)},
		{fetched.Add(120 * time.Microsecond), fetched},
	} {
		a := NewAttempt(&rivertype.JobRow{CreatedAt: c.enqueued, ScheduledAt: c.enqueued, AttemptedAt: &fetched}, "w1", "v1")
		if !a.Due.Equal(c.due) || !a.Started.Equal(fetched) {
			t.Errorf("enqueued %v: due %v, started %v", c.enqueued, a.Due, a.Started)
		}
	}
}
