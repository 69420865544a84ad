package work

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/bound"
)

// The keys that we write into a job's metadata. River's own begin with "river:" and are never ours to write.
const (
	// KeyRequestID is the id of the web request that caused the job, handed on to the jobs that it enqueues.
	KeyRequestID = "request_id"
	// KeyParentID is the number of the job that enqueued this one.
	KeyParentID = "parent_id"
	// KeyRelease is the release whose code enqueued it.
	KeyRelease = "release"
	// KeyDeaths counts the workers that died while they ran the job.
	KeyDeaths = "deaths"
	// KeyRescues counts the attempts that were taken from a worker, dead or not, and given to another.
	KeyRescues = "rescues"
	// KeyRescuedAt is when that happened last, in seconds since 1970: since then the job has waited.
	KeyRescuedAt = "rescued_at"
	// KeyRescuedFrom is the worker that it was taken from last.
	KeyRescuedFrom = "rescued_from"
	// KeyRescueCode says why it was taken: one of the Code constants.
	KeyRescueCode = "rescue_code"
	// KeyQueue is the queue that a job came from which runs alone since two workers died with it.
	KeyQueue = "queue"
	// KeyHeld says why a job is held back rather than tried: a sentence.
	KeyHeld = "held"
	// KeySchedule is the name of the schedule that enqueued it.
	KeySchedule = "schedule"
	// KeyProgress is how far a job has come: {"percent", "sentence", "at", "of"}.
	KeyProgress = "progress"
	// KeyCursor is where the next attempt of a long job goes on: whatever its worker has put there.
	KeyCursor = "cursor"
)

// Origin is where a job comes from; it becomes metadata of every job that is enqueued with its context.
type Origin struct {
	RequestID string `json:"request_id,omitempty"`
	ParentID  int64  `json:"parent_id,omitempty"`
}

type originKey struct{}

// WithOrigin returns a context whose inserted jobs carry o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// originOf returns the origin of jobs that are enqueued with ctx, empty if they have none. Those that a running job enqueues
// name it as their parent and keep its request.
func originOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(originKey{}).(Origin); ok {
		return o
	}
	if r := runOf(ctx); r != nil {
		return Origin{RequestID: r.attempt.origin.RequestID, ParentID: r.job.ID}
	}
	return Origin{}
}

// originIn reads a job's own origin, where it has one.
func originIn(job *rivertype.JobRow) (o Origin) {
	if bytes.Contains(job.Metadata, []byte(`"`+KeyRequestID+`"`)) || bytes.Contains(job.Metadata, []byte(`"`+KeyParentID+`"`)) {
		_ = json.Unmarshal(job.Metadata, &o) // whoever wrote something else under our names has a job without origin
	}
	return o
}

// stampOrigin writes the origin and the release into the metadata of every job that is inserted.
func stampOrigin(release string) river.HookInsertBeginFunc {
	return func(ctx context.Context, params *rivertype.JobInsertParams) error {
		if size := len(params.Metadata); size > bound.Value {
			return fmt.Errorf("job metadata of %s: %d bytes, at most %d are kept", params.Kind, size, bound.Value)
		}
		metadata := map[string]json.RawMessage{}
		if len(params.Metadata) > 0 {
			if err := json.Unmarshal(params.Metadata, &metadata); err != nil {
				return fmt.Errorf("job metadata of %s: %w", params.Kind, err)
			}
		}
		o := originOf(ctx)
		if o.RequestID != "" {
			metadata[KeyRequestID], _ = json.Marshal(bound.Text(o.RequestID, bound.Name))
		}
		if o.ParentID != 0 {
			metadata[KeyParentID], _ = json.Marshal(o.ParentID)
		}
		if release != "" {
			metadata[KeyRelease], _ = json.Marshal(release)
		}
		encoded, err := json.Marshal(metadata)
		params.Metadata = encoded
		return err
	}
}
