package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/store"
)

// Import is an import as its page shows it.
type Import struct {
	ID        int64
	File      string
	Format    string
	Notes     []string // sentences about the file
	Rows      int
	Percent   int
	Matched   int    // rows that are matched with books
	Written   int    // rows whose ratings and shelves are written
	Doing     string // the title at which it is
	Counts    map[string]int
	CreatedAt time.Time
	MovedAt   time.Time
	EndedAt   *time.Time
	UndoneAt  *time.Time
	Stopped   bool
	UndoUntil time.Time // zero: it cannot be undone
}

func newImport(r store.Import, now time.Time) (Import, error) {
	in := Import{
		ID: r.ID, File: r.FileName, Format: r.Format, Notes: r.Notes, Rows: int(r.Rows), Doing: r.Doing, Counts: map[string]int{},
		CreatedAt: r.CreatedAt, MovedAt: r.MovedAt, EndedAt: r.EndedAt, UndoneAt: r.UndoneAt, Stopped: r.Stopped,
	}
	in.Matched, in.Written = int(min(r.Steps, r.Rows)), int(max(0, r.Steps-r.Rows))
	if r.Rows > 0 {
		in.Percent = int(r.Steps) * 50 / int(r.Rows)
	}
	if r.EndedAt != nil && r.UndoneAt == nil && now.Before(until(*r.EndedAt)) {
		in.UndoUntil = until(*r.EndedAt)
	}
	if err := json.Unmarshal(r.Counts, &in.Counts); err != nil {
		return in, fmt.Errorf("the counts of import %d: %w", r.ID, err)
	}
	return in, nil
}

// Get returns a reader's import, or pgx.ErrNoRows.
func Get(ctx context.Context, db store.DBTX, readerID, importID int64) (Import, error) {
	row, err := store.New().ImportGet(ctx, db, importID, readerID)
	if err != nil {
		return Import{}, fmt.Errorf("read import %d: %w", importID, err)
	}
	return newImport(row, time.Now())
}

// List returns a reader's latest imports.
func List(ctx context.Context, db store.DBTX, readerID int64) ([]Import, error) {
	rows, err := store.New().ImportList(ctx, db, readerID)
	if err != nil {
		return nil, fmt.Errorf("list the imports of reader %d: %w", readerID, err)
	}
	list := make([]Import, len(rows))
	for i, r := range rows {
		if list[i], err = newImport(r, time.Now()); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Row is a row of an import as its page shows it.
type Row struct {
	N, Line    int
	Title      string
	Authors    string
	Outcome    string
	Reason     string
	Candidates []book.Card
}

// Rows returns up to limit rows with one of the outcomes, of an import that the caller has found by Get.
func Rows(ctx context.Context, db store.DBTX, importID int64, limit int, outcomes ...string) ([]Row, error) {
	rows, err := store.New().ImportRowsLike(ctx, db, store.ImportRowsLikeParams{ImportID: importID, Outcomes: outcomes, Count: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list rows of import %d: %w", importID, err)
	}
	var ids []int64
	for _, r := range rows {
		ids = append(ids, r.Candidates...)
	}
	cards, err := book.Cards(ctx, db, 0, ids)
	if err != nil {
		return nil, err
	}
	byID := map[int64]book.Card{}
	for _, c := range cards {
		byID[c.ID] = c
	}
	list := make([]Row, len(rows))
	for i, r := range rows {
		list[i] = Row{N: int(r.N), Line: int(r.Line), Title: r.Title, Authors: book.Names(r.Authors), Outcome: r.Outcome, Reason: r.Reason}
		for _, id := range r.Candidates {
			if c, ok := byID[id]; ok && r.Outcome == Unclear {
				list[i].Candidates = append(list[i].Candidates, c)
			}
		}
	}
	return list, nil
}
