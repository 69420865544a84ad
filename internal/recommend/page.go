package recommend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// Phase is the state of a reader's recommendations.
type Phase string

const (
	NeedRatings Phase = "need-ratings" // the reader has no ratings; a list contains only popular books
	Working     Phase = "working"      // something changed after the last run: a new run follows
	Ready       Phase = "ready"        // the list includes all of the reader's changes
)

// State is what the page shows about a reader's list.
type State struct {
	Phase      Phase
	Ratings    int        // number of books that the reader has rated
	Version    int64      // of the data that recommendations depend on
	RunVersion int64      // the version that the last run read; -1: no run
	Basis      string     // Neighbours, Popular, or "" without a run
	MadeAt     *time.Time // when the last run was stored
	ChangedAt  *time.Time // when the reader last changed something, which began the phase Working
}

// StateOf returns the state of a reader's list, or pgx.ErrNoRows if the reader does not exist.
func StateOf(ctx context.Context, db store.DBTX, readerID int64) (State, error) {
	r, err := store.New().RecommendState(ctx, db, readerID)
	if err != nil {
		return State{}, fmt.Errorf("read the state of recommendations: %w", err)
	}
	s := State{
		Phase: Ready, Ratings: int(r.Ratings), Version: r.RatingsVersion, RunVersion: r.RunVersion,
		Basis: r.Basis, MadeAt: r.MadeAt, ChangedAt: r.RatingsChangedAt,
	}
	switch {
	case s.Version > max(s.RunVersion, 0):
		s.Phase = Working
	case s.Ratings == 0:
		s.Phase = NeedRatings
	}
	return s, nil
}

// Progress returns the progress of the job that makes a reader's list: percent and a sentence for the reader. The
// sentence is empty if no such job runs, or it has only just started.
func Progress(ctx context.Context, db store.DBTX, readerID int64) (percent int, sentence string, err error) {
	err = db.QueryRow(ctx, `select coalesce(progress, 0)::int, progress_note from jobs.job
		where state = 'running' and kind = $1 and args ->> 'reader_id' = $2::bigint::text and progress_note is not null
		order by id desc limit 1`, ReaderArgs{}.Kind(), readerID).Scan(&percent, &sentence)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, "", fmt.Errorf("read the progress of recommendations: %w", err)
	}
	return percent, sentence, nil
}

// Item is a recommended book.
type Item struct {
	BookID  int64
	Rank    int // 1 is the first of the stored list; a book that left the list leaves a gap
	Title   string
	Authors []string // in the order of the book
	Year    *int16   // of first publication; negative is BC
	Series  string
	Volume  string
	Reasons []Reason // the strongest first; none for a popular book
}

// Reason is a book that the reader liked, and because of which another is recommended.
type Reason struct {
	BookID int64
	Title  string
}

// List returns up to limit books of a reader's stored list, without those rated, shelved or dismissed since.
func List(ctx context.Context, db store.DBTX, readerID int64, limit int) ([]Item, error) {
	rows, err := store.New().RecommendList(ctx, db, readerID, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("list recommendations: %w", err)
	}
	items := make([]Item, len(rows))
	for i, r := range rows {
		items[i] = Item{
			BookID: r.BookID, Rank: int(r.Rank), Title: r.Title, Authors: r.Authors, Year: r.Year,
			Series: r.Series, Volume: r.Volume,
		}
		for n, id := range r.ReasonIds {
			items[i].Reasons = append(items[i].Reasons, Reason{id, r.ReasonTitles[n]})
		}
	}
	return items, nil
}

// PopularNow returns the list of a reader who has no run yet: up to limit popular books that the reader does not know,
// without reasons. It stores nothing.
func PopularNow(ctx context.Context, db store.DBTX, readerID int64, limit int) ([]Item, error) {
	picked, err := popular(ctx, db, readerID, limit)
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(picked))
	for i, c := range picked {
		items[i] = c.shown
		items[i].Rank = i + 1
	}
	return items, nil
}

// Dismiss takes a book off the reader's lists for good ("not for me"). A second call changes nothing. It belongs in a
// Change. For an unknown book it returns
// pgx.ErrNoRows, and the transaction can only be rolled back.
func Dismiss(ctx context.Context, tx pgx.Tx, readerID, bookID int64) error {
	if err := store.New().RecommendDismiss(ctx, tx, bookID, readerID); err != nil {
		return fmt.Errorf("dismiss book %d: %w", bookID, store.KnownBook(err))
	}
	return nil
}

// Undismiss undoes a dismissal, if there is one. It belongs in a Change.
func Undismiss(ctx context.Context, tx pgx.Tx, readerID, bookID int64) error {
	err := store.New().RecommendUndismiss(ctx, tx, readerID, bookID)
	if err != nil {
		return fmt.Errorf("take back the dismissal of book %d: %w", bookID, err)
	}
	return nil
}
