package web

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/backlist/backlist/internal/importer"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

// rowsShown is the number of rows of a kind that the page lists; the download has all.
const rowsShown = 30

// stuckAfter is how long an import may stand still before its page says so.
const stuckAfter = 10 * time.Second

func importEntry(in importer.Import, zone string) page.ImportEntry {
	e := page.ImportEntry{URL: importURL(in.ID), File: in.File, When: localTime(in.CreatedAt, zone), Rows: ui.Count(in.Rows, "row", "rows")}
	switch {
	case in.EndedAt == nil:
		e.State = strconv.Itoa(in.Percent) + " % done"
	case in.UndoneAt != nil:
		e.State = "undone"
	case in.Stopped:
		e.State = "stopped"
	default:
		e.State = fmt.Sprintf("%d added, %d changed", in.Counts[importer.Added], in.Counts[importer.Changed])
	}
	return e
}

func localTime(t time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Format("2 January 2006, 15:04")
}

// outcomes are the outcomes of rows in the order of the page, in words.
var outcomes = []struct{ name, text, note string }{
	{importer.Added, "added", "new on your shelves"},
	{importer.Changed, "changed", "with a newer rating or shelf"},
	{importer.Same, "unchanged", "already as in the file"},
	{importer.Merged, "merged", "the same book as another row"},
	{importer.KeptOwn, "kept", "you changed them here"},
	{importer.Unclear, "unclear", "you decide below"},
	{importer.Skipped, "skipped", "nothing to import"},
	{importer.Failed, "failed", "see why below"},
	{importer.Waiting, "not imported", "not yet, or stopped before"},
}

// importState returns the live part of an import's page.
func (s *Server) importState(ctx context.Context, in importer.Import, zone string) (page.ImportLive, error) {
	d := page.ImportLive{
		URL: importURL(in.ID), File: in.File, Format: in.Format, When: localTime(in.CreatedAt, zone), Rows: ui.Count(in.Rows, "row", "rows"),
		Notes: in.Notes, Running: in.EndedAt == nil, Stopped: in.Stopped, Undone: in.UndoneAt != nil, Percent: in.Percent, Doing: in.Doing,
	}
	if !in.UndoUntil.IsZero() {
		d.UndoUntil = localTime(in.UndoUntil, zone)
	}
	if d.Running {
		d.Far = fmt.Sprintf("%s of %s matched with books, %s written.", ui.Thousands(in.Matched), d.Rows, ui.Thousands(in.Written))
		if time.Since(in.MovedAt) > stuckAfter {
			d.Hint = "This is taking longer than usual: the job waits for a worker. Nothing is lost; it goes on once a worker runs it."
		}
		return d, nil
	}
	for _, o := range outcomes {
		if n := in.Counts[o.name]; n > 0 {
			d.Counts = append(d.Counts, page.ImportCount{Name: o.text, Note: o.note, N: ui.Thousands(n)})
		}
	}
	if d.Undone {
		return d, nil
	}
	unclear, err := importer.Rows(ctx, s.DB, in.ID, rowsShown, importer.Unclear)
	if err != nil {
		return d, err
	}
	d.Unclear = importRows(unclear)
	d.UnclearMore = max(0, in.Counts[importer.Unclear]-len(unclear))
	problems, err := importer.Rows(ctx, s.DB, in.ID, rowsShown, importer.Failed, importer.KeptOwn)
	if err != nil {
		return d, err
	}
	d.Problems = importRows(problems)
	d.ProblemsMore = max(0, in.Counts[importer.Failed]+in.Counts[importer.KeptOwn]-len(problems))
	d.Gone = time.Since(*in.EndedAt) > importer.Kept
	return d, nil
}

func importRows(rows []importer.Row) []page.ImportRow {
	var list []page.ImportRow
	for _, r := range rows {
		v := page.ImportRow{N: r.N, Line: r.Line, Title: r.Title, Author: r.Authors, Reason: r.Reason}
		for _, c := range r.Candidates {
			v.Books = append(v.Books, page.ImportBook{ID: c.ID, Title: c.Title, Author: c.Authors, Year: c.Year})
		}
		list = append(list, v)
	}
	return list
}
