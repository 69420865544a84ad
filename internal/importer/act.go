package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// Stop ends an import before its end. What is already written stays. The job ends at its next step.
func Stop(ctx context.Context, tx pgx.Tx, jobs *work.Client, readerID, importID int64) error {
	if _, err := Get(ctx, tx, readerID, importID); err != nil {
		return err
	}
	return finish(ctx, tx, jobs, readerID, importID, true)
}

// Undo restores the ratings and shelves that an import changed, except those that the reader has changed since, and removes the books
// that it brought if no other reader has them. ErrOver means that the import ended more than a day ago, runs, or is undone.
func Undo(ctx context.Context, tx pgx.Tx, jobs *work.Client, readerID, importID int64) error {
	q := store.New()
	return changeTaste(ctx, tx, jobs, readerID, func() error {
		if err := q.ImportReaderChanged(ctx, tx, readerID); err != nil {
			return fmt.Errorf("note the changes of reader %d: %w", readerID, err)
		}
		n, err := q.ImportMarkUndone(ctx, tx, importID, readerID)
		if err != nil {
			return fmt.Errorf("mark import %d as undone: %w", importID, err)
		}
		kept, err := q.ImportHasRows(ctx, tx, importID)
		if err != nil {
			return fmt.Errorf("look for the rows of import %d: %w", importID, err)
		}
		if n == 0 || !kept {
			return ErrOver
		}
		for _, undo := range []func() error{
			func() error { return q.ImportUndoRatings(ctx, tx, readerID, importID) },
			func() error { return q.ImportUndoShelvings(ctx, tx, readerID, importID) },
			func() error { return q.ImportUndoRemembered(ctx, tx, readerID, importID) },
			func() error { return q.ImportUndoLockBooks(ctx, tx, importID) },
			func() error { return q.ImportUndoBooks(ctx, tx, importID) },
		} {
			if err := undo(); err != nil {
				return fmt.Errorf("undo import %d: %w", importID, err)
			}
		}
		return counted(ctx, tx, readerID, importID)
	})
}

// The choices for an unclear row, other than a book.
const (
	ChooseNew  = -1 // none of the books: it is added
	ChooseSkip = 0  // it is not imported
)

// Settle decides an unclear row: choice is one of its candidates, ChooseNew or ChooseSkip. ErrOver means that the row is settled
// or deleted.
func Settle(ctx context.Context, tx pgx.Tx, jobs *work.Client, readerID, importID int64, n int32, choice int64) error {
	q := store.New()
	return changeTaste(ctx, tx, jobs, readerID, func() error {
		if err := q.ImportReaderChanged(ctx, tx, readerID); err != nil {
			return fmt.Errorf("note the change of reader %d: %w", readerID, err)
		}
		if _, err := q.ImportLock(ctx, tx, readerID, importID); err != nil {
			return fmt.Errorf("lock import %d: %w", importID, err)
		}
		in, err := Get(ctx, tx, readerID, importID)
		if err != nil {
			return err
		}
		row, err := q.ImportRow(ctx, tx, importID, n)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && (row.Outcome != Unclear || in.UndoneAt != nil) {
			return ErrOver
		}
		if err != nil {
			return fmt.Errorf("read row %d of import %d: %w", n, importID, err)
		}
		if err := choose(ctx, tx, Args{importID, readerID}, row, choice); err != nil {
			return err
		}
		return counted(ctx, tx, readerID, importID)
	})
}

// choose imports or skips the row.
func choose(ctx context.Context, tx pgx.Tx, args Args, row store.ImportRow, choice int64) error {
	if choice == ChooseSkip {
		return settled(ctx, tx, args.ImportID, row.N, Skipped, "You left it out.")
	}
	q := store.New()
	if choice > 0 {
		double, err := q.ImportHasBook(ctx, tx, store.ImportHasBookParams{ImportID: args.ImportID, BookID: choice, N: row.N})
		if err != nil {
			return fmt.Errorf("look for other rows of the book: %w", err)
		}
		if double && slices.Contains(row.Candidates, choice) {
			return settled(ctx, tx, args.ImportID, row.N, Merged, "Another row is the same book, and counts.")
		}
	}
	row.Reason = ""
	m := &matcher{tx: tx, rows: []store.ImportRow{row}, facts: []facts{rowFacts(row)}, verdicts: []verdict{{book: choice}}}
	if choice == ChooseNew {
		if err := q.CatalogueLock(ctx, tx); err != nil {
			return fmt.Errorf("wait for an import: %w", err)
		}
		ids, err := q.ImportReserve(ctx, tx, 1)
		if err != nil {
			return fmt.Errorf("reserve a book: %w", err)
		}
		m.verdicts[0].book, m.fresh = ids[0], []int{0}
	} else if books, err := factsOf(ctx, tx, []int64{choice}); err != nil {
		return err
	} else if !slices.Contains(row.Candidates, choice) || len(books) == 0 {
		return ErrOver
	}
	if err := m.add(ctx); err != nil {
		return err
	}
	if err := m.settle(ctx, args.ImportID); err != nil {
		return err
	}
	row.BookID = &m.verdicts[0].book
	return writeRows(ctx, tx, args, []store.ImportRow{row})
}

// settled stores the outcome of a row that changes nothing.
func settled(ctx context.Context, tx pgx.Tx, importID int64, n int32, outcome, reason string) error {
	err := store.New().ImportRowsSettle(ctx, tx, store.ImportRowsSettleParams{
		ImportID: importID, Ns: []int32{n}, Outcomes: []string{outcome}, Reasons: []string{reason}, Befores: []string{""},
	})
	if err != nil {
		return fmt.Errorf("settle a row: %w", err)
	}
	return nil
}

// until returns when an import that ended at end can last be undone.
func until(end time.Time) time.Time { return end.Add(Kept) }
