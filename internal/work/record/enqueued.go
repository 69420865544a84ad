package record

import (
	"context"
	"sync"

	"github.com/riverqueue/river/rivertype"
)

// enqueuedMost bounds the number of job ids that are kept of one request.
const enqueuedMost = 1000

// Enqueued collects the ids of jobs as they are inserted. It cannot know whether their transactions commit.
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

// Inserted is the middleware that collects the ids of an insert, without duplicates, which were enqueued earlier.
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
