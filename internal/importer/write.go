package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// write writes what the rows after one number, up to another, say about their books. Later rows about one of these books are merged with the
// first. It returns the title of the last row.
func write(ctx context.Context, tx pgx.Tx, args Args, after, upto int32) (string, error) {
	rows, err := store.New().ImportRowsOfBooks(ctx, tx, store.ImportRowsOfBooksParams{ImportID: args.ImportID, After: after, Upto: upto})
	if err != nil {
		return "", fmt.Errorf("read the rows: %w", err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	return rows[len(rows)-1].Title, writeRows(ctx, tx, args, rows)
}

// writer collects what is written, by table.
type writer struct {
	rate     store.ImportRateParams
	shelve   store.ImportShelveParams
	remember store.ImportRememberParams
	settle   store.ImportRowsSettleParams
	listed   []int64 // books that leave the recommendations
}

func writeRows(ctx context.Context, tx pgx.Tx, args Args, rows []store.ImportRow) error {
	var books []int64
	ofBook := map[int64][]store.ImportRow{}
	for _, r := range rows {
		id := *r.BookID // rows without one are not read
		if ofBook[id] == nil {
			books = append(books, id)
		}
		ofBook[id] = append(ofBook[id], r)
	}
	q := store.New()
	opinions, err := q.ImportOpinions(ctx, tx, books, args.ReaderID)
	if err != nil {
		return fmt.Errorf("read the reader's opinions: %w", err)
	}
	w := &writer{
		rate: store.ImportRateParams{ReaderID: args.ReaderID}, shelve: store.ImportShelveParams{ReaderID: args.ReaderID},
		remember: store.ImportRememberParams{ReaderID: args.ReaderID}, settle: store.ImportRowsSettleParams{ImportID: args.ImportID},
	}
	now := time.Now()
	for _, site := range opinions {
		if err := w.book(site, ofBook[site.BookID], now); err != nil {
			return err
		}
	}
	return w.store(ctx, tx)
}

// book adds what the rows of a book change.
func (w *writer) book(site store.ImportOpinionsRow, rows []store.ImportRow, now time.Time) error {
	file := rowOpinion(rows[0], now)
	for _, r := range rows[1:] {
		file = file.with(rowOpinion(r, now))
	}
	c := compare(file, site)
	text := ""
	if n := c.before.WroteStars; n != 0 {
		w.rate.BookIds, w.rate.Stars = append(w.rate.BookIds, site.BookID), append(w.rate.Stars, n)
		w.rate.At, w.rate.Was = append(w.rate.At, file.ratedAt), append(w.rate.Was, c.before.Stars)
	}
	if s := c.before.WroteShelf; s != "" {
		w.shelve.BookIds, w.shelve.Shelves = append(w.shelve.BookIds, site.BookID), append(w.shelve.Shelves, s)
		w.shelve.At, w.shelve.Was = append(w.shelve.At, file.shelvedAt), append(w.shelve.Was, c.before.Shelf)
	}
	if c.before.WroteStars != 0 || c.before.WroteShelf != "" {
		w.listed = append(w.listed, site.BookID)
		kept, err := json.Marshal(c.before)
		if err != nil {
			return err
		}
		text = string(kept)
	}
	w.remember.BookIds, w.remember.Stars = append(w.remember.BookIds, site.BookID), append(w.remember.Stars, c.base.stars)
	w.remember.Shelves = append(w.remember.Shelves, c.base.shelf)
	for i, r := range rows {
		outcome, reasons := Merged, []string{fmt.Sprintf("It is the same book as line %d.", rows[0].Line)}
		if i == 0 {
			outcome, reasons = c.outcome, c.reasons
		} else {
			text = ""
		}
		w.settle.Ns, w.settle.Outcomes = append(w.settle.Ns, r.N), append(w.settle.Outcomes, outcome)
		w.settle.Reasons = append(w.settle.Reasons, strings.TrimSpace(strings.Join(append(reasons, r.Reason), " ")))
		w.settle.Befores = append(w.settle.Befores, text)
	}
	return nil
}

// store writes the collected values, each table in one statement.
func (w *writer) store(ctx context.Context, tx pgx.Tx) error {
	q := store.New()
	if len(w.rate.BookIds) > 0 {
		if _, err := q.ImportRate(ctx, tx, w.rate); err != nil {
			return fmt.Errorf("write ratings: %w", err)
		}
	}
	if len(w.shelve.BookIds) > 0 {
		if err := q.ImportShelve(ctx, tx, w.shelve); err != nil {
			return fmt.Errorf("write shelves: %w", err)
		}
	}
	if err := q.ImportUnlist(ctx, tx, w.rate.ReaderID, w.listed); err != nil {
		return fmt.Errorf("take books off the recommendations: %w", err)
	}
	if err := q.ImportRemember(ctx, tx, w.remember); err != nil {
		return fmt.Errorf("remember what was imported: %w", err)
	}
	if err := q.ImportRowsSettle(ctx, tx, w.settle); err != nil {
		return fmt.Errorf("store the outcomes: %w", err)
	}
	return nil
}
