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

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/mask"
	"github.com/backlist/backlist/internal/work/metadata"
)

//go:embed sql/progress.sql
var progressSQL string

const (
	// ProgressChannel is the channel on which progress is announced: {"job_id", "percent", "sentence"}.
	ProgressChannel = "work_progress"
	// progressEvery is the shortest time between two writes of a job's progress.
	progressEvery = time.Second
	// progressBrief is how long a job runs before its progress is written: a shorter job needs none.
	progressBrief = 250 * time.Millisecond
	// progressTimeout bounds one write.
	progressTimeout = 3 * time.Second
	// longestSentence is the limit of a sentence, in characters. A notice has room for 8000 bytes.
	longestSentence = 300
)

// Progress reports how far the running job has come, in percent and in a sentence for people. It may be called often: it never
// waits and never fails. About one report a second is written, the first after a quarter of a second; a job that ends before
// writes none, unless an earlier attempt did. The last report stays with the finished job.
func Progress(ctx context.Context, percent float64, sentence string) {
	if r := runOf(ctx); r != nil {
		r.report(percent, sentence)
	}
}

// TellProgress also sends payload on channel each time the running job's progress is written, for pages that show it.
// Listeners read the progress itself from jobs.job.
func TellProgress(ctx context.Context, channel, payload string) {
	if r := runOf(ctx); r != nil {
		p := &r.reports
		p.mu.Lock()
		defer p.mu.Unlock()
		p.channel, p.payload = channel, payload
	}
}

// progress is a report as it is stored in the job's metadata.
type progress struct {
	Percent  float64   `json:"percent"`
	Sentence string    `json:"sentence"`
	At       time.Time `json:"at"`
	// Of identifies the attempt that reported it, by its start in microseconds since 1970, because an attempt's number may come
	// again. jobs.job shows the progress of the latest attempt only.
	Of int64 `json:"of"`
}

// reports is the progress that a run has reported.
type reports struct {
	mu               sync.Mutex
	latest           *progress // not yet written
	channel, payload string    // of TellProgress
	timer            *time.Timer
	next             time.Time // when the next may be written
	shown            bool      // a report was written, or may have been, perhaps by an earlier attempt
	ended            bool
}

func (r *run) report(percent float64, sentence string) {
	if math.IsNaN(percent) {
		percent = 0
	}
	if most := 4 * longestSentence; len(sentence) > most { // do not scan megabytes
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

// armReports arranges for the latest progress to be written as soon as it may be; reports.mu is held.
func (r *run) armReports() {
	if p := &r.reports; p.timer == nil && !p.ended {
		p.timer = time.AfterFunc(time.Until(p.next), r.writeProgress)
	}
}

// writeProgress stores and announces the latest progress, unless another attempt has the job. It does not wait for the job's
// row, which a transaction of the job may have locked, but tries again later. It uses the worker's own pool, because the jobs'
// statements may use up theirs.
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

// endReports stops the writing, and has progress that is not yet written stored with the attempt's outcome.
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
	if err := r.setMetadata(ctx, metadata.Progress, p.latest); err != nil {
		r.worker.opts.Log.WarnContext(ctx, "the last progress was not stored", "job_id", r.job.ID, "err", err)
	}
}

// takeProgress returns the progress that is not yet written, to be stored with the job's completion; nil if there is none. r may
// be nil.
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

// returnProgress undoes takeProgress if the job was not completed.
func (r *run) returnProgress(taken *progress) {
	r.reports.mu.Lock()
	defer r.reports.mu.Unlock()
	r.reports.latest = cmp.Or(r.reports.latest, taken)
}
