package pilot

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// forgetAfter is how long after its end an attempt is forgotten whose outcome was never written. River retries for as long as
// the database is away, but drops an outcome that it cannot encode. Once the attempt is forgotten, its job is rescued.
const forgetAfter = 10 * time.Minute

// Attempts are the attempts of this process, each from its fetch until its outcome is stored. The fence compares with them.
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
	over   error                   // why its context ended, or will end as soon as it runs
	ended  time.Time               // zero while it runs

	finished bool // it has completed its job itself
	aside    bool // its outcome is set aside until the job's row is unlocked
}

func newAttempts(clientID string) *Attempts {
	return &Attempts{clientID: clientID, byID: map[int64]*held{}}
}

// take adds a fetched attempt. It returns false if this process still has an earlier attempt of the same job, which still runs
// or whose outcome is not stored: the two could not be told apart.
func (a *Attempts) take(job *rivertype.JobRow) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID[job.ID] != nil {
		return false
	}
	a.byID[job.ID] = &held{job: job, over: a.dead}
	return true
}

// Watch returns an attempt's context, which Cancel can end. The caller must call the returned function when the job has ended.
func (a *Attempts) Watch(ctx context.Context, job *rivertype.JobRow) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.byID[job.ID]; h != nil && h.job == job {
		h.cancel = cancel
		if h.over != nil { // it was cancelled between the fetch and now
			cancel(h.over)
		}
	}
	return ctx, cancel
}

// Cancel ends the context of every running job with cause, because other attempts may have the jobs now.
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

// setDead cancels every attempt with cause, including those fetched from now on, until it is called with nil.
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

// Held lists the attempts that this process runs or whose outcome it has yet to store. If a job runs in this process's name
// and is not among them, the answer to its fetch was lost.
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

// known is what this process knows about a job whose outcome is to be stored: the zero value if it does not have the job.
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

// Finished notes that an attempt has completed its job in its own transaction, which is committed.
func (a *Attempts) Finished(job *rivertype.JobRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.byID[job.ID]; h != nil && h.job.Attempt == job.Attempt {
		h.finished = true
	}
}

// ended notes that an attempt no longer runs.
func (a *Attempts) ended(job *rivertype.JobRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.byID[job.ID]; h != nil && h.job == job {
		h.ended, h.cancel = time.Now(), nil
	}
}

// setAside notes that the outcomes of attempts are set aside.
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
