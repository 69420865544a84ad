package pilot

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// forgetAfter is when an attempt that has ended is given up although its outcome was never written. River tries for as long
// as the database is away, but drops what it cannot encode: such a job is rescued then.
const forgetAfter = 10 * time.Minute

// Attempts are what this process has, from the fetch until the outcome is stored: the fence compares with them.
type Attempts struct {
	clientID string

	mu   sync.Mutex
	byID map[int64]*held
	dead error // why this process may have been declared dead
}

// held is one attempt of this process.
type held struct {
	job    *rivertype.JobRow
	cancel context.CancelCauseFunc // of the job's context, once it runs
	over   error                   // why its context ended, or will as soon as it runs
	ended  time.Time               // zero while it is executed

	finished bool // it has completed its job itself
	aside    bool // its outcome waits for others to unlock the job's row
}

func newAttempts(clientID string) *Attempts {
	return &Attempts{clientID: clientID, byID: map[int64]*held{}}
}

// take adds an attempt that was fetched. It returns false where an earlier attempt of the same job has not ended here, or its
// outcome is not stored: the two could not be told apart.
func (a *Attempts) take(job *rivertype.JobRow) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID[job.ID] != nil {
		return false
	}
	a.byID[job.ID] = &held{job: job, over: a.dead}
	return true
}

// Watch makes the context of an attempt one that Cancel ends. The caller must call the returned function when the job has ended.
func (a *Attempts) Watch(ctx context.Context, job *rivertype.JobRow) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.byID[job.ID]; h != nil && h.job == job {
		h.cancel = cancel
		if h.over != nil { // between the fetch and now
			cancel(h.over)
		}
	}
	return ctx, cancel
}

// Cancel ends the context of every running job with cause: they belong to others now.
func (a *Attempts) Cancel(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancelAll(cause)
}

// CancelJob ends the context of one running job with cause.
func (a *Attempts) CancelJob(id int64, cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.byID[id]; h != nil {
		h.end(cause)
	}
}

// setDead cancels every attempt with cause, also those that are fetched from now on; nil ends that.
func (a *Attempts) setDead(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dead = cause
	if cause != nil {
		a.cancelAll(cause)
	}
}

func (a *Attempts) cancelAll(cause error) {
	for _, h := range a.byID {
		h.end(cause)
	}
}

func (h *held) end(cause error) {
	h.over = cause
	if h.cancel != nil {
		h.cancel(cause)
	}
}

// Held lists the attempts that this process has, or whose outcome it has yet to store. A job that runs under its name
// and is not among them was fetched by a statement whose answer never came.
func (a *Attempts) Held() (ids []int64, attempts []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, h := range a.byID {
		if !h.ended.IsZero() && !h.aside && time.Since(h.ended) > forgetAfter {
			delete(a.byID, id)
			continue
		}
		ids, attempts = append(ids, id), append(attempts, h.job.Attempt)
	}
	return ids, attempts
}

// known is what this process knows of a job whose outcome is to be stored. Of one that it does not have, all is zero.
type known struct {
	attempt  int
	job      *rivertype.JobRow
	finished bool
}

// known looks jobs up, in the order of ids.
func (a *Attempts) known(ids []int64) []known {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]known, len(ids))
	for i, id := range ids {
		if h := a.byID[id]; h != nil {
			list[i] = known{h.job.Attempt, h.job, h.finished}
		}
	}
	return list
}

// Finished notes that an attempt has completed its job in a transaction of its own, which is committed.
func (a *Attempts) Finished(job *rivertype.JobRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.byID[job.ID]; h != nil && h.job.Attempt == job.Attempt {
		h.finished = true
	}
}

// ended notes that an attempt is not executed any more.
func (a *Attempts) ended(job *rivertype.JobRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.byID[job.ID]; h != nil && h.job == job {
		h.ended, h.cancel = time.Now(), nil
	}
}

// setAside notes that the outcomes of attempts wait for their jobs' rows.
func (a *Attempts) setAside(ids []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if h := a.byID[id]; h != nil {
			h.aside = true
		}
	}
}

// written forgets attempts whose outcome is stored.
func (a *Attempts) written(ids []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		delete(a.byID, id)
	}
}
