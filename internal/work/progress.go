package work

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/mask"
	"github.com/backlist/backlist/internal/work/metadata"
)

//go:embed sql/progress.sql
var progressSQL string

const (
	// ProgressChannel is where progress is told: {"job_id", "percent", "sentence"}.
	ProgressChannel = "work_progress"
	// progressEvery is how often a job's progress is written at most.
	progressEvery = time.Second
	// progressBrief is how long a job runs before its progress is written: one that is over by then needs none.
	progressBrief = 250 * time.Millisecond
	// progressTimeout bounds writing it.
	progressTimeout = 3 * time.Second
	// longestSentence is in characters. A notice has room for 8000 bytes.
	longestSentence = 300
)

// Progress says how far the running job has come, in percent and a sentence for people. It may be called as often as one
// likes: it never waits and never fails. About one a second is written, from the first quarter of a second on; of a job that
// is over by then, none is, unless an earlier attempt left some. The last one stays with the finished job.
func Progress(ctx context.Context, percent float64, sentence string) {
	if r := runOf(ctx); r != nil {
		r.report(percent, sentence)
	}
}

// TellProgress also announces the running job's progress on channel, with payload, each time it is written: to the pages that
// show it, say. Listeners read the progress itself from jobs.job.
func TellProgress(ctx context.Context, channel, payload string) {
	if r := runOf(ctx); r != nil {
		p := &r.reports
		p.mu.Lock()
		defer p.mu.Unlock()
		p.channel, p.payload = channel, payload
	}
}

// progress is what is kept in a job's metadata.
type progress struct {
	Percent  float64   `json:"percent"`
	Sentence string    `json:"sentence"`
	At       time.Time `json:"at"`
	// Of is when the attempt began that says so, in microseconds since 1970: its number may come again. jobs.job shows what the
	// latest attempt says.
	Of int64 `json:"of"`
}

// reports are what a run has reported of its progress.
type reports struct {
	mu               sync.Mutex
	latest           *progress // not yet written
	channel, payload string    // where else it is told
	timer            *time.Timer
	next             time.Time // when it may be written again
	shown            bool      // some was written, or may have been, perhaps by an earlier attempt
	ended            bool
}

func (r *run) report(percent float64, sentence string) {
	if math.IsNaN(percent) {
		percent = 0
	}
	if most := 4 * longestSentence; len(sentence) > most { // so that a text of megabytes is not gone through
		sentence = sentence[:most]
	}
	sentence = strings.ToValidUTF8(strings.ReplaceAll(sentence, "\x00", ""), "")
	if runes := []rune(sentence); len(runes) > longestSentence {
		sentence = string(runes[:longestSentence-1]) + "…"
	}
	p := &progress{min(max(percent, 0), 100), mask.Addresses(sentence), time.Now().UTC(), r.job.AttemptedAt.UnixMicro()}
	r.reports.mu.Lock()
	defer r.reports.mu.Unlock()
	r.reports.latest = p
	r.armReports()
}

// armReports has the latest progress written as soon as it may be; reports.mu is held.
func (r *run) armReports() {
	if p := &r.reports; p.timer == nil && !p.ended {
		p.timer = time.AfterFunc(time.Until(p.next), r.writeProgress)
	}
}

// writeProgress stores the latest progress and tells of it, unless the job belongs to another attempt. It does not wait for the
// job's row, which a transaction of the job may have locked: then it is tried again later. It uses the worker's own pool, not
// that of the jobs, which their statements may fill.
func (r *run) writeProgress() {
	p := &r.reports
	p.mu.Lock()
	latest, channel, payload := p.latest, p.channel, p.payload
	if latest == nil { // taken since the timer went off, to be stored with the job's completion
		p.timer = nil
		p.mu.Unlock()
		return
	}
	p.shown = true
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), progressTimeout)
	defer cancel()
	text, err := json.Marshal(latest)
	if err == nil {
		var written bool
		err = r.worker.pool.QueryRow(ctx, db.Statement(progressSQL, r.worker.opts.Schema), pgx.NamedArgs{
			"id": r.job.ID, "attempt": r.job.Attempt, "worker": r.job.AttemptedBy[len(r.job.AttemptedBy)-1],
			"progress": string(text), "channel": ProgressChannel, "also": channel, "payload": payload,
		}).Scan(&written)
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		r.worker.opts.Log.WarnContext(ctx, "progress was not written", "job_id", r.job.ID, "err", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer, p.next = nil, time.Now().Add(progressEvery)
	if p.latest == latest && err == nil {
		p.latest = nil
	}
	if p.latest != nil {
		r.armReports()
	}
}

// endReports leaves what is not yet written to be stored with the attempt's outcome.
func (r *run) endReports(ctx context.Context) {
	p := &r.reports
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
	}
	if p.latest == nil || !p.shown {
		return
	}
	if err := river.MetadataSet(ctx, metadata.Progress, p.latest); err != nil {
		r.worker.opts.Log.WarnContext(ctx, "the last progress was not kept", "job_id", r.job.ID, "err", err)
	}
}

// takeProgress returns what is not yet written, if anything is, to be stored with the job's completion. A nil run has nothing.
func (r *run) takeProgress() *progress {
	if r == nil {
		return nil
	}
	p := &r.reports
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown {
		return nil
	}
	latest := p.latest
	p.latest = nil
	return latest
}

// returnProgress takes back what takeProgress gave: the job was not completed.
func (r *run) returnProgress(taken *progress) {
	r.reports.mu.Lock()
	defer r.reports.mu.Unlock()
	r.reports.latest = cmp.Or(r.reports.latest, taken)
}
