package brief

import (
	"testing"
	"time"
)

// TestTurns: queues take turns, sizes follow success and failure, and a batch begins at the front of its queue now and then.
func TestTurns(t *testing.T) {
	t.Parallel()
	turns := newTurns([]Kind{{Queue: "a", Most: 100}, {Queue: "b", Most: 100}}, time.Hour)
	now := time.Now()
	if _, look, _ := turns.take(now); !look {
		t.Error("it does not begin with a look")
	}
	turns.wake("*")
	first, _, _ := turns.take(now)
	second, _, _ := turns.take(now)
	if first == nil || second == nil || first == second {
		t.Fatal("the queues do not take turns")
	}
	if q, _, wait := turns.take(now); q != nil || wait != time.Hour {
		t.Errorf("a third turn, after %s", wait)
	}
	last := place{1, now, 7}
	size, after := turns.begin(first)
	turns.fetched(first, size, after, size, last, time.Millisecond)
	turns.succeeded(first, size, size, size)
	if size, after = turns.begin(first); size != 2*sizeFirst || after != last {
		t.Errorf("the second batch has size %d and begins at %v", size, after)
	}
	first.front = now.Add(-frontFirst)
	if _, after = turns.begin(first); after != (place{}) {
		t.Error("no batch begins at the front")
	}
	turns.failed(first, size)
	if size, _ = turns.begin(first); size != sizeFirst {
		t.Errorf("after a failure the size is %d", size)
	}
	turns.succeeded(first, size, size, 3) // its time was up
	if size, _ = turns.begin(first); size != 3 {
		t.Errorf("after a slow batch the size is %d", size)
	}
}
