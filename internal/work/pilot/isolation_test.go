package pilot

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// TestIsolation: an isolated job waits until no other job runs, no other is fetched while it runs, and the others have their turn
// again after ten seconds of such jobs.
func TestIsolation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var woken []string
		g := newGate(newAttempts("me"), func(queue string) { woken = append(woken, queue) })
		fetch := func(queue string, jobs int) {
			t.Helper()
			if !g.enter(queue) {
				t.Fatalf("no fetch from %s", queue)
			}
			g.leave(queue, jobs)
		}
		refused := func(queue string) {
			t.Helper()
			if g.enter(queue) {
				t.Fatalf("a fetch from %s", queue)
			}
		}
		end := func(queue string) { g.endedJob(&rivertype.JobRow{Queue: queue}) }
		fetch("default", 1)
		g.isolatedWaits(true)
		refused(IsolationQueue)
		refused("default")
		end("default")
		if !slices.Equal(woken, []string{IsolationQueue}) {
			t.Fatalf("%v are woken when the last other job ends", woken)
		}
		fetch(IsolationQueue, 1)
		refused("default")
		time.Sleep(isolatedFor / 2)
		end(IsolationQueue)
		refused("default") // until it is known whether another waits
		fetch(IsolationQueue, 1)
		time.Sleep(isolatedFor)
		end(IsolationQueue)
		fetch("default", 1)
		end("default")
		g.isolatedWaits(true)
		time.Sleep(quietFor + 1) // its queue is not looked at again
		fetch("default", 0)
	})
}
