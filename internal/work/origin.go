package work

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/bound"
	"github.com/backlist/backlist/internal/work/metadata"
)

// Origin is where a job comes from. It is stored in the metadata of every job that is enqueued with its context.
type Origin = metadata.Origin

type originKey struct{}

// WithOrigin returns a context whose inserted jobs carry o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// originOf returns the origin of jobs that are enqueued with ctx; it may be empty. A job that a running job enqueues has that
// job as its parent, and the same request.
func originOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(originKey{}).(Origin); ok {
		return o
	}
	if r := runOf(ctx); r != nil {
		return Origin{RequestID: r.attempt.Origin.RequestID, ParentID: r.job.ID}
	}
	return Origin{}
}

// stampOrigin writes the origin and the release into the metadata of every job that is inserted.
func stampOrigin(release string) river.HookInsertBeginFunc {
	return func(ctx context.Context, params *rivertype.JobInsertParams) error {
		if size := len(params.Metadata); size > bound.Value {
			return fmt.Errorf("job metadata of %s: %d bytes; the limit is %d", params.Kind, size, bound.Value)
		}
		all := map[string]json.RawMessage{}
		if len(params.Metadata) > 0 {
			if err := json.Unmarshal(params.Metadata, &all); err != nil {
				return fmt.Errorf("job metadata of %s: %w", params.Kind, err)
			}
		}
		o := originOf(ctx)
		if o.RequestID != "" {
			all[metadata.RequestID], _ = json.Marshal(bound.Text(o.RequestID, bound.Name))
		}
		if o.ParentID != 0 {
			all[metadata.ParentID], _ = json.Marshal(o.ParentID)
		}
		if release != "" {
			all[metadata.Release], _ = json.Marshal(release)
		}
		encoded, err := json.Marshal(all)
		params.Metadata = encoded
		return err
	}
}
