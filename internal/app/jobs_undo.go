package app

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/views/ui"
)

// runJobsUndo prints what it would undo, and does so only with --yes, because an entry's number is easily confused with a
// job's.
func runJobsUndo(ctx context.Context, p *jobsProgram, args []string) error {
	entries, err := jobIDs(args)
	if err == nil && len(entries) == 0 {
		err = usageError("usage: backlist jobs undo ENTRY ...: the entries of backlist jobs audit")
	}
	if err != nil {
		return err
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		if !p.yes {
			list, err := surface.MayUndo(ctx, conn, entries)
			if err == nil {
				err = p.restored(list, "%s would be restored.\n")
			}
			if err == nil {
				err = errAddYes
			}
			return err
		}
		list, err := surface.Undo(ctx, conn, entries, p.by())
		if err != nil {
			return err
		}
		return p.restored(list, "%s restored.\n")
	})
}

// restored prints what was, or would be, restored. It is an error if nothing is.
func (p *jobsProgram) restored(list []surface.Restored, sentence string) error {
	sum := acted{Act: "undo"}
	targets := 0
	for _, r := range list {
		if sum.count(r.Changed, r.Note); r.Changed && r.ID == nil {
			targets++
		}
	}
	changed := sum.Changed
	if !p.yes {
		sum.Would, sum.Changed = sum.Changed, 0
	}
	if p.json {
		if err := json.NewEncoder(p.Stdout).Encode(sum); err != nil {
			return err
		}
	} else {
		sum.printNotes(p.Stdout)
		if jobs := changed - targets; jobs > 0 {
			fmt.Fprintf(p.Stdout, sentence, ui.Count(jobs, "job", "jobs"))
		}
		if targets > 0 {
			fmt.Fprintf(p.Stdout, sentence, ui.Count(targets, "wait target", "wait targets"))
		}
	}
	if changed == 0 {
		return errUnchanged
	}
	return nil
}
