// Package metadata names what we keep in a job's metadata, and reads it from a job's row. Any program may have written something
// else under these names: then the job is read as one without.
package metadata

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// The keys that we write into a job's metadata. River's own begin with "river:" and are never ours to write.
const (
	// RequestID is the id of the web request that caused the job, handed on to the jobs that it enqueues.
	RequestID = "request_id"
	// ParentID is the number of the job that enqueued this one.
	ParentID = "parent_id"
	// Release is the release whose code enqueued it.
	Release = "release"
	// Deaths counts the workers that died while they ran the job.
	Deaths = "deaths"
	// Rescues counts the attempts that were taken from a worker, dead or not, and given to another.
	Rescues = "rescues"
	// RescuedAt is when that happened last, in seconds since 1970: since then the job has waited.
	RescuedAt = "rescued_at"
	// RescuedFrom is the worker that it was taken from last.
	RescuedFrom = "rescued_from"
	// RescueCode says why it was taken: one of the codes of package work.
	RescueCode = "rescue_code"
	// Queue is the queue that a job came from which runs alone since two workers died with it.
	Queue = "queue"
	// Held says why a job is held back rather than tried: a sentence.
	Held = "held"
	// Schedule is the name of the schedule that enqueued it.
	Schedule = "schedule"
	// Progress is how far a job has come: {"percent", "sentence", "at", "of"}.
	Progress = "progress"
	// Cursor is where the next attempt of a long job goes on: as its worker has stored it.
	Cursor = "cursor"
)

// Has reports whether a job's metadata may have a key, quickly: most have none of ours.
func Has(job *rivertype.JobRow, key string) bool {
	return bytes.Contains(job.Metadata, []byte(`"`+key+`"`))
}

// Origin is where a job comes from: it becomes metadata of every job that is enqueued with its context.
type Origin struct {
	RequestID string `json:"request_id,omitempty"`
	ParentID  int64  `json:"parent_id,omitempty"`
}

// OriginOf reads a job's own origin.
func OriginOf(job *rivertype.JobRow) (o Origin) {
	if Has(job, RequestID) || Has(job, ParentID) {
		_ = json.Unmarshal(job.Metadata, &o)
	}
	return o
}

// RescuesOf reads how often a job was rescued, and when that was last.
func RescuesOf(job *rivertype.JobRow) (n int, last time.Time) {
	if !Has(job, Rescues) {
		return 0, last
	}
	var kept struct {
		N    int     `json:"rescues"`    // Rescues
		Last float64 `json:"rescued_at"` // RescuedAt
	}
	if json.Unmarshal(job.Metadata, &kept) != nil {
		return 0, last
	}
	return kept.N, time.UnixMicro(int64(min(max(kept.Last, 0), 1e10) * 1e6))
}

// DueAt is since when a job has waited for its present attempt.
func DueAt(job *rivertype.JobRow) time.Time {
	_, rescued := RescuesOf(job)
	return slices.MaxFunc([]time.Time{job.CreatedAt, job.ScheduledAt, rescued}, time.Time.Compare)
}

// CursorOf reads where the next attempt of a job goes on, nil if at the beginning.
func CursorOf(job *rivertype.JobRow) json.RawMessage {
	if !Has(job, Cursor) {
		return nil
	}
	var kept map[string]json.RawMessage
	if json.Unmarshal(job.Metadata, &kept) != nil || bytes.Equal(kept[Cursor], []byte("null")) {
		return nil
	}
	return kept[Cursor]
}
