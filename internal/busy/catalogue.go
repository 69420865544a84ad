package busy

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// indexBook is quick, and there are many of it.
type indexBook struct {
	BookID int64 `json:"book_id"`
}

func (indexBook) Kind() string { return "index_book" }

func (indexBook) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "index", Priority: 3} }

// indexBookWorker works a brief kind: its jobs come in hundreds, and each is a matter of microseconds.
type indexBookWorker struct{}

func (*indexBookWorker) Work(context.Context, *river.Job[indexBook], *work.Effects) error { return nil }

// resizeCover panics at damaged images.
type resizeCover struct {
	BookID int64 `json:"book_id"`
	Width  int   `json:"width"`
}

func (resizeCover) Kind() string { return "resize_cover" }

func (resizeCover) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "covers", MaxAttempts: 1, Priority: 2, Tags: []string{"image"}}
}

type resizeCoverWorker struct {
	river.WorkerDefaults[resizeCover]
}

func (w *resizeCoverWorker) Work(ctx context.Context, job *river.Job[resizeCover]) error {
	rows := make([]int, job.Args.Width)
	if job.Args.BookID%83 == 11 {
		rows = rows[:len(rows)/2] // a damaged file ends early
	}
	if err := call(ctx, "scale", 25*time.Millisecond); err != nil {
		return err
	}
	rows[job.Args.Width-1]++
	return nil
}

// repriceTitle waits for a publisher's price list.
type repriceTitle struct {
	ISBN string `json:"isbn"`
}

func (repriceTitle) Kind() string { return "reprice_title" }

func (repriceTitle) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "search", Tags: []string{"price"}}
}

type repriceTitleWorker struct {
	river.WorkerDefaults[repriceTitle]
}

func (w *repriceTitleWorker) Work(ctx context.Context, job *river.Job[repriceTitle]) error {
	if len(job.Args.ISBN) == 13 && job.Args.ISBN[12] == '4' && time.Since(job.CreatedAt) < 10*time.Minute {
		return river.JobSnooze(5 * time.Minute) // the list is not there yet
	}
	return call(ctx, "compare prices", 10*time.Millisecond)
}

// importFeed reads a publisher's file. One file is so broken that it kills the process that reads it.
type importFeed struct {
	File    string `json:"file"`
	Seconds int    `json:"seconds"`
}

func (importFeed) Kind() string { return "import_feed" }

func (importFeed) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "imports"} }

// deadlyFile is the name of the file that kills.
const deadlyFile = "tamarind-press-2019.onix"

type importFeedWorker struct {
	river.WorkerDefaults[importFeed]
	kill func() error // kills this process
}

func (w *importFeedWorker) Timeout(*river.Job[importFeed]) time.Duration { return 5 * time.Minute }

func (w *importFeedWorker) Work(ctx context.Context, job *river.Job[importFeed]) error {
	if job.Args.File == deadlyFile {
		work.Log(ctx).WarnContext(ctx, "the file is 14 GB; reading all of it", "file", job.Args.File)
		return w.kill()
	}
	for second := range job.Args.Seconds {
		work.Progress(ctx, 100*float64(second)/float64(job.Args.Seconds), fmt.Sprintf("%d titles of %s read", 40*second, job.Args.File))
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// translateBlurb is a kind of a release that no worker runs yet.
type translateBlurb struct {
	BookID   int64  `json:"book_id"`
	Language string `json:"language"`
}

func (translateBlurb) Kind() string { return "translate_blurb" }

func (translateBlurb) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "search"} }
