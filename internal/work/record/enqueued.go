package record

import (
	"context"
	"sync"

	"github.com/riverqueue/river/rivertype"
)

// enqueuedMost bounds how many ids are kept of what one request enqueued.
const enqueuedMost = 1000

// Enqueued collects the ids of jobs as they are inserted. Whether their transaction commits it cannot know.
type Enqueued struct {
	mu  sync.Mutex
	ids []int64
}

type enqueuedKey struct{}

// Collect returns a context whose inserted jobs are collected.
func Collect(ctx context.Context) (context.Context, *Enqueued) {
	e := &Enqueued{}
	return context.WithValue(ctx, enqueuedKey{}, e), e
}

// Inserted is the middleware that notes the ids of an insert. A duplicate is not enqueued: the job was there before.
func Inserted(
	ctx context.Context, _ []*rivertype.JobInsertParams, doInner func(context.Context) ([]*rivertype.JobInsertResult, error),
) ([]*rivertype.JobInsertResult, error) {
	results, err := doInner(ctx)
	e, ok := ctx.Value(enqueuedKey{}).(*Enqueued)
	if !ok || err != nil {
		return results, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range results {
		if r != nil && r.Job != nil && !r.UniqueSkippedAsDuplicate && len(e.ids) < enqueuedMost {
			e.ids = append(e.ids, r.Job.ID)
		}
	}
	return results, nil
}

func (e *Enqueued) list() []int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ids
}
