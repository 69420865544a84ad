package work

import (
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// TestNextRetry: the wait depends on the failures, not on the rescues, which are among a job's errors too.
func TestNextRetry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		errors   int
		metadata string
		want     time.Duration // a quarter more or less
	}{
		{0, "{}", time.Second},
		{1, "{}", 16 * time.Second},
		{3, "{}", 256 * time.Second},
		{3, `{"rescues": 3}`, time.Second},
		{3, `{"rescues": 2}`, 16 * time.Second},
		{50, "{}", longestWait},
	} {
		job := &jobRow{Metadata: []byte(c.metadata), Errors: make([]rivertype.AttemptError, c.errors)}
		before := time.Now()
		at := new(retries).NextRetry(job)
		if at.Before(before.Add(c.want*3/4)) || at.After(time.Now().Add(c.want*5/4)) {
			t.Errorf("after %d errors, with %s: in %s, want %s", c.errors, c.metadata, at.Sub(before), c.want)
		}
	}
}
