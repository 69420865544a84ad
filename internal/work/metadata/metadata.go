// Package metadata has the keys of the values that we store in a job's metadata, and reads the values from a job's row. Another
// program may have written something else under a key: then the value is read as absent.
package metadata

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// The keys that we write into a job's metadata. Keys that begin with "river:" belong to River.
const (
	// RequestID is the id of the web request that caused the job. Jobs that the job enqueues get it too.
	RequestID = "request_id"
	// ParentID is the number of the job that enqueued this one.
	ParentID = "parent_id"
	// Release is the release whose code enqueued the job.
	Release = "release"
	// Deaths counts the workers that died while they ran the job.
	Deaths = "deaths"
	// Rescues counts the rescues of the job.
	Rescues = "rescues"
	// RescuedAt is the time of the last rescue, in seconds since 1970: since then the job has waited.
	RescuedAt = "rescued_at"
	// RescuedFrom is the worker from which the last rescue took the job.
	RescuedFrom = "rescued_from"
	// RescueCode is the reason for the last rescue: one of the codes of package work.
	RescueCode = "rescue_code"
	// Queue is the queue from which an isolated job came.
	Queue = "queue"
	// Held is the reason why a job is held, as a sentence.
	Held = "held"
	// Schedule is the name of the schedule that enqueued the job.
	Schedule = "schedule"
	// Progress is how far a job has come: {"percent", "sentence", "at", "of"}.
	Progress = "progress"
	// Cursor is where the next attempt of a long job continues, as its worker stored it.
	Cursor = "cursor"
)

// Has reports whether a job's metadata may have a key. It is quick, since most jobs have none of our keys.
func Has(job *rivertype.JobRow, key string) bool {
	return bytes.Contains(job.Metadata, []byte(`"`+key+`"`))
}

// Origin is where a job comes from. It is stored in the metadata of every job that is enqueued with its context.
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

// RescuesOf reads how often a job was rescued, and when it was rescued last.
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

// DueAt returns the time since which a job has waited for its present attempt.
func DueAt(job *rivertype.JobRow) time.Time {
	_, rescued := RescuesOf(job)
	return slices.MaxFunc([]time.Time{job.CreatedAt, job.ScheduledAt, rescued}, time.Time.Compare)
}

// CursorOf reads a job's cursor; nil if it has none.
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
