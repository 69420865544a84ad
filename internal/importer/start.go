package importer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/importer/listing"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// Start stores the rows of a file and enqueues the job that imports them, in tx, which the caller rolls back if there is an error.
// The error is a listing.Refusal if the file cannot be read.
func Start(ctx context.Context, tx pgx.Tx, jobs *work.Client, readerID int64, name string, file *listing.File) (id int64, err error) {
	q := store.New()
	today, err := q.ImportsToday(ctx, tx, readerID)
	if err != nil {
		return 0, fmt.Errorf("count the imports of reader %d: %w", readerID, err)
	}
	if today >= PerDay {
		return 0, ErrTooMany
	}
	id, err = q.ImportInsert(ctx, tx, store.ImportInsertParams{ReaderID: readerID, FileName: name, Format: file.Format.Name, Notes: orEmpty(file.Notes)})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrBusy
	}
	if err != nil {
		return 0, fmt.Errorf("insert an import: %w", err)
	}
	rows, counts := 0, map[string]int{}
	var unread error // CopyFrom returns only its text
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"import_row"}, rowColumns, pgx.CopyFromFunc(func() ([]any, error) {
		values, outcome, err := next(file, id, rows+1)
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			unread = err
			return nil, err
		}
		rows++
		counts[outcome]++
		return values, nil
	}))
	if err := cmp.Or(unread, err); err != nil {
		return 0, fmt.Errorf("store the rows: %w", err)
	}
	if rows == 0 {
		return 0, &listing.Refusal{Sentence: "The file has the names of columns, but no rows below them."}
	}
	text, err := json.Marshal(counts)
	if err != nil {
		return 0, err
	}
	if err := q.ImportSetRows(ctx, tx, store.ImportSetRowsParams{ID: id, Rows: int32(rows), Counts: text}); err != nil {
		return 0, fmt.Errorf("count the rows: %w", err)
	}
	if _, err := jobs.InsertTx(ctx, tx, Args{ImportID: id, ReaderID: readerID}, nil); err != nil {
		return 0, fmt.Errorf("enqueue import_books: %w", err)
	}
	return id, nil
}

var rowColumns = []string{
	"import_id", "n", "line", "title", "series", "volume", "authors", "isbn", "goodreads", "year", "stars", "shelf", "rated_at", "shelved_at",
	"outcome", "reason",
}

// next returns the next row of the file for the table. A row that is wrong, or says nothing of the book, is settled at once.
func next(file *listing.File, id int64, n int) (values []any, outcome string, err error) {
	row, err := file.Next()
	reason := strings.Join(row.Notes, " ")
	outcome = Waiting
	if wrong, ok := errors.AsType[*listing.RowError](err); ok {
		row, outcome, reason = listing.Row{Line: wrong.Line, Title: wrong.Title}, Failed, wrong.Reason
	} else if err != nil {
		return nil, "", err
	} else if row.Stars == 0 && row.Shelf == "" {
		outcome, reason = Skipped, strings.TrimSpace(reason+" It has neither a rating nor a shelf.")
	}
	return []any{
		id, int32(n), int32(row.Line), row.Title, row.Series, row.Volume, orEmpty(row.Authors), row.ISBN, row.Goodreads,
		orNull(int16(row.Year)), orNull(int16(row.Stars)), orNull(row.Shelf), at(row.RatedAt), at(row.ShelvedAt), outcome, reason,
	}, outcome, nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
