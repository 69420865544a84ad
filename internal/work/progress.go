package work

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
)

//go:embed sql/progress.sql
var progressSQL string

const (
	// ProgressChannel is where progress is told: {"job_id", "percent", "sentence"}.
	ProgressChannel = "work_progress"
	// progressEvery is how often a job's progress is written at most.
	progressEvery = time.Second
	// progressBrief is how long a job runs before its progress is written: for one that is over by then nobody waits.
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
	if r, ok := ctx.Value(reporterKey{}).(*reporter); ok {
		r.report(percent, sentence)
	}
}

// TellProgress also announces the running job's progress on channel, with payload, each time it is written: to the pages that
// show it, say. Whoever listens reads the progress itself from jobs.job.
func TellProgress(ctx context.Context, channel, payload string) {
	if r, ok := ctx.Value(reporterKey{}).(*reporter); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.channel, r.payload = channel, payload
	}
}

type reporterKey struct{}

// progress is what is kept in a job's metadata.
type progress struct {
	Percent  float64   `json:"percent"`
	Sentence string    `json:"sentence"`
	At       time.Time `json:"at"`
	// Of is when the attempt began that says so, in microseconds since 1970: its number may come again. jobs.job shows what the
	// latest attempt says.
	Of int64 `json:"of"`
}

// reporter writes the progress of one attempt.
type reporter struct {
	pool   *pgxpool.Pool // not that of the jobs, which their own statements may fill
	schema string
	job    *jobRow
	log    *slog.Logger

	mu               sync.Mutex
	latest           *progress // not yet written
	channel, payload string    // where else it is told
	timer            *time.Timer
	next             time.Time // when it may be written again
	shown            bool      // some was written, or may have been, perhaps by an earlier attempt
	ended            bool

	advanced atomic.Bool // the attempt has kept a cursor
}

func newReporter(w *Worker, job *jobRow) *reporter {
	return &reporter{
		pool: w.pool, schema: w.opts.Schema, job: job, log: w.opts.Log,
		next: time.Now().Add(progressBrief), shown: bytes.Contains(job.Metadata, []byte(`"`+KeyProgress+`"`)),
	}
}

func (r *reporter) report(percent float64, sentence string) {
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
	p := &progress{min(max(percent, 0), 100), address.ReplaceAllString(sentence, "(address)"), time.Now().UTC(), r.job.AttemptedAt.UnixMicro()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = p
	r.arm()
}

// arm has the latest progress written as soon as it may be; mu is held.
func (r *reporter) arm() {
	if r.timer == nil && !r.ended {
		r.timer = time.AfterFunc(time.Until(r.next), r.write)
	}
}

// write stores the latest progress and tells of it, unless the job belongs to another attempt. It does not wait for the
// job's row, which a transaction of the job may have locked: then it is tried again later.
func (r *reporter) write() {
	r.mu.Lock()
	p, channel, payload := r.latest, r.channel, r.payload
	if p == nil { // taken since the timer went off, to be stored with the job's completion
		r.timer = nil
		r.mu.Unlock()
		return
	}
	r.shown = true
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), progressTimeout)
	defer cancel()
	text, err := json.Marshal(p)
	if err == nil {
		var written bool
		err = r.pool.QueryRow(ctx, db.Statement(progressSQL, r.schema), pgx.NamedArgs{
			"id": r.job.ID, "attempt": r.job.Attempt, "worker": r.job.AttemptedBy[len(r.job.AttemptedBy)-1],
			"progress": string(text), "channel": ProgressChannel, "also": channel, "payload": payload,
		}).Scan(&written)
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		r.log.WarnContext(ctx, "progress was not written", "job_id", r.job.ID, "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer, r.next = nil, time.Now().Add(progressEvery)
	if r.latest == p && err == nil {
		r.latest = nil
	}
	if r.latest != nil {
		r.arm()
	}
}

// end leaves what is not yet written to be stored with the attempt's outcome. ctx is a worker's.
func (r *reporter) end(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.latest == nil || !r.shown {
		return
	}
	if err := river.MetadataSet(ctx, KeyProgress, r.latest); err != nil {
		r.log.WarnContext(ctx, "the last progress was not kept", "job_id", r.job.ID, "err", err)
	}
}

// moved reports whether the attempt has kept a cursor. A nil reporter knows of none.
func (r *reporter) moved() bool { return r != nil && r.advanced.Load() }

// take returns what is not yet written, if anything is, to be stored with the job's completion. A nil reporter has nothing.
func (r *reporter) take() *progress {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.shown {
		return nil
	}
	p := r.latest
	r.latest = nil
	return p
}

// back takes back what take gave: the job was not completed.
func (r *reporter) back(p *progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = cmp.Or(r.latest, p)
}
