package brief

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

const (
	// sizeFirst is the size of a queue's first batch. A batch that succeeds doubles it, one that fails halves it.
	sizeFirst = 32
	// frontFirst is how often a batch begins at the front of its queue: a retry, or a job of a higher priority, stands before the place
	// where the last batch ended. The front is slow to reach while an old snapshot keeps the entries of completed jobs: then it is
	// less often, by frontShare of the time, but at least every frontLast.
	frontFirst = 250 * time.Millisecond
	frontShare = 20
	frontLast  = time.Second
)

// againAfter lists the times after a batch that emptied a queue at which it is looked at again: an insert beside many others sends
// no notice (see manyWaiting in package pilot), and the worker that has locked a job may die.
var againAfter = [...]time.Duration{10 * time.Millisecond, 90 * time.Millisecond, 300 * time.Millisecond}

// place is where a job stands in its queue.
type place struct {
	priority    int16
	scheduledAt time.Time
	id          int64
}

// turn is a queue that waits for its turn, and what is known about it.
type turn struct {
	kind  Kind
	ready bool          // a job may wait
	size  int           // of the next batch
	after place         // where the last batch ended; the zero value is the front
	front time.Time     // when the last batch began at the front
	took  time.Duration // to lock the jobs of that batch
	again int           // how many of againAfter have passed
	due   time.Time     // when to look again; zero: not
}

// turns decides which queue is next.
type turns struct {
	names []string
	poll  time.Duration

	mu     sync.Mutex
	queues []*turn
	last   int // the queue that had the last turn
	lookAt time.Time
	knewAt time.Time
	signal chan struct{} // tells one waiting loop that something is ready
}

func newTurns(kinds []Kind, poll time.Duration) *turns {
	t := &turns{poll: poll, signal: make(chan struct{}, 1)}
	for _, k := range kinds {
		t.names = append(t.names, k.Queue)
		t.queues = append(t.queues, &turn{kind: k, size: min(sizeFirst, k.Most)})
	}
	return t
}

// next waits until a queue is ready, and takes it; look means that it is time to look for jobs whose notice was lost. It returns
// when ctx ends.
func (t *turns) next(ctx context.Context) (q *turn, look bool) {
	for ctx.Err() == nil {
		q, look, wait := t.take(time.Now())
		if q != nil || look {
			return q, look
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.signal:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil, false
}

// take takes the next queue that is ready, after the one that had the last turn. If there is none it returns how long to wait.
func (t *turns) take(now time.Time) (q *turn, look bool, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait = t.lookAt.Sub(now); wait <= 0 {
		t.lookAt = now.Add(t.poll)
		return nil, true, 0
	}
	for i := range t.queues {
		at := (t.last + 1 + i) % len(t.queues)
		q := t.queues[at]
		if !q.due.IsZero() && !q.due.After(now) {
			q.ready, q.due = true, time.Time{}
		}
		if q.ready {
			q.ready, t.last = false, at
			t.tell() // another loop may find another
			return q, false, 0
		}
		if !q.due.IsZero() {
			wait = min(wait, q.due.Sub(now))
		}
	}
	return nil, false, wait
}

// begin returns the size and the place of the next batch of a queue.
func (t *turns) begin(q *turn) (size int, after place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(q.front) >= min(max(frontFirst, frontShare*q.took), frontLast) {
		q.after = place{}
	}
	if q.after == (place{}) {
		q.front = time.Now()
	}
	return q.size, q.after
}

// fetched notes how many jobs a batch of a size has locked, from a place on, and in which time; last is the place of its last job.
func (t *turns) fetched(q *turn, size int, after place, jobs int, last place, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if after == (place{}) {
		q.took = took
	}
	switch {
	case jobs == size:
		q.after, q.again, q.due = last, 0, time.Time{}
		t.makeReady(q)
	case after != (place{}): // behind the last place there is no more: look at the front
		q.after = place{}
		t.makeReady(q)
	default:
		q.after = place{}
		if jobs > 1 {
			q.again = 0
		}
		if q.again < len(againAfter) && jobs != 1 {
			q.due = time.Now().Add(againAfter[q.again])
			q.again++
		}
	}
}

// succeeded notes that a batch is committed in which ran of the jobs that it had locked were run.
func (t *turns) succeeded(q *turn, size, locked, ran int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case ran < locked: // its time was up
		q.size, q.after = max(ran, 1), place{}
		t.makeReady(q)
	case ran == size:
		q.size = min(max(q.size, 2*size), q.kind.Most)
	}
}

// failed notes that a batch of a size was rolled back: its jobs wait at the front again.
func (t *turns) failed(q *turn, size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q.size, q.after = max(min(q.size, size/2), 1), place{}
	t.makeReady(q)
}

// later makes a queue ready after a wait.
func (t *turns) later(q *turn, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q.ready, q.after, q.due = false, place{}, time.Now().Add(wait)
}

// wake makes a queue ready; * stands for all queues.
func (t *turns) wake(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, q := range t.queues {
		if q.kind.Queue == name || name == "*" {
			q.again = 0
			t.makeReady(q)
		}
	}
}

// noticed wakes the queue that a notice is about.
func (t *turns) noticed(payload string) {
	var about struct {
		Queue string `json:"queue"`
	}
	if json.Unmarshal([]byte(payload), &about) == nil {
		t.wake(about.Queue)
	}
}

// makeReady tells a loop that a queue is ready; mu is held.
func (t *turns) makeReady(q *turn) {
	q.ready = true
	t.tell()
}

func (t *turns) tell() {
	select {
	case t.signal <- struct{}{}:
	default:
	}
}

// toKnow reports whether it is time to renew the rows of the queues.
func (t *turns) toKnow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.knewAt) > knowEvery
}

func (t *turns) known() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.knewAt = time.Now()
}
