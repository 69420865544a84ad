package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/views/ui"
)

// acted is the result of an act.
type acted struct {
	Act     string   `json:"act"`
	Would   int      `json:"would,omitempty"` // without --yes
	Changed int      `json:"changed"`
	Left    int      `json:"left"`
	Notes   []string `json:"notes,omitempty"` // why some jobs were left as they are
	Undo    []int64  `json:"undo,omitempty"`  // the entries of jobs.audit by which to undo it
}

var (
	errUnchanged = errors.New("nothing was changed")
	errAddYes    = errors.New("nothing was changed: add --yes to do it")
)

// count adds the outcome of the act for one job.
func (a *acted) count(changed bool, note *string) {
	const mostNotes = 20
	if changed {
		a.Changed++
		return
	}
	if a.Left++; note != nil && len(a.Notes) < mostNotes {
		a.Notes = append(a.Notes, *note)
	}
}

func (a *acted) printNotes(w io.Writer) {
	for _, note := range a.Notes {
		fmt.Fprintln(w, note)
	}
	if more := a.Left - len(a.Notes); more > 0 {
		fmt.Fprintf(w, "… and %s more are left as they are.\n", ui.Thousands(more))
	}
}

func actOn(a surface.Act) func(context.Context, *jobsProgram, []string) error {
	return func(ctx context.Context, p *jobsProgram, args []string) error {
		if a.On == "jobs" {
			return p.actOnJobs(ctx, a, args)
		}
		if len(args) != 1 || strings.TrimSpace(args[0]) == "" {
			return usageError("usage: backlist jobs %s %s", a.Name, a.On)
		}
		if p.until+p.in != "" {
			if err := p.readUntil(); err != nil {
				return err
			}
		}
		return p.onJobs(ctx, func(conn *pgx.Conn) error {
			n, err := a.Named(ctx, conn, args[0], p.by())
			if err != nil {
				return err
			}
			if p.json {
				err = json.NewEncoder(p.Stdout).Encode(acted{Act: a.Name, Changed: n})
			} else if n > 0 {
				_, err = fmt.Fprintf(p.Stdout, "%s: %s\n", args[0], a.Did)
			}
			if err == nil && n == 0 {
				err = fmt.Errorf("nothing was changed: %s is in that state already", args[0])
			}
			return err
		})
	}
}

// readUntil checks --for and --until, one of which must be given.
func (p *jobsProgram) readUntil() error {
	switch {
	case (p.until == "") == (p.in == ""):
		return usageError("say how long: --for 2h, or --until '2026-12-24 18:00Z'")
	case p.until != "":
		return nil
	}
	var err error
	if p.snooze, err = parseDuration(p.in); err != nil {
		return usageError("--for %s is not a duration, as in 90m or 2d", p.in)
	}
	return nil
}

// actOnJobs acts on the given ids or, with --yes, on all jobs that match the filter.
func (p *jobsProgram) actOnJobs(ctx context.Context, a surface.Act, args []string) error {
	var ids []int64
	var err error
	if isSearch(args) {
		err = p.search(args)
	} else {
		ids, err = jobIDs(args)
	}
	if a.Name == "snooze" && err == nil {
		err = p.readUntil()
	}
	filter := &p.filter
	switch {
	case err != nil:
		return err
	case len(ids) > 0 && filter.Narrows():
		return usageError("give job ids or a filter, not both")
	case len(ids) > 0:
		return p.onJobs(ctx, func(conn *pgx.Conn) error { return p.change(ctx, conn, a, ids, len(ids)) })
	case !filter.Narrows():
		return usageError("usage: backlist jobs %s ID ..., or filter with a search as in 'kind:send_invoice error:timeout' or with --kind, --state, --queue, --error …", a.Name)
	}
	if err := filter.Check(); err != nil {
		return usageError("%w", err)
	}
	if len(filter.States) == 0 {
		if filter.States = a.States; len(a.States) == 0 {
			return usageError("name the --state of the jobs to %s", a.Name)
		}
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		ids, counts, err := surface.Find(ctx, conn, *filter)
		switch {
		case err != nil:
			return err
		case len(ids) == 0:
			return fmt.Errorf("no such jobs are %s", strings.Join(filter.States, " or "))
		case !p.yes:
			return p.preview(a, len(ids), counts)
		}
		return p.change(ctx, conn, a, ids, 0)
	})
}

// isSearch reports whether the arguments are a search: one has a colon, which ids do not.
func isSearch(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, ":") })
}

// preview prints what --yes would do.
func (p *jobsProgram) preview(a surface.Act, n int, counts []surface.Count) error {
	if p.json {
		if err := json.NewEncoder(p.Stdout).Encode(acted{Act: a.Name, Would: n}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(p.Stdout, "This would %s %s:\n", a.Name, ui.Count(n, "job", "jobs"))
		for _, c := range counts {
			fmt.Fprintf(p.Stdout, "  %8s  %s, %s\n", ui.Thousands(c.Jobs), surface.Text(c.Kind), c.State)
		}
	}
	if n == p.filter.Limit {
		return fmt.Errorf("nothing was changed: add --yes to do it (--limit stops at %s jobs)", ui.Thousands(n))
	}
	return errAddYes
}

// change acts, and prints the result. It is an error if fewer than must were changed, or none.
func (p *jobsProgram) change(ctx context.Context, conn *pgx.Conn, a surface.Act, ids []int64, must int) error {
	sum := acted{Act: a.Name}
	entries, err := a.Jobs(ctx, conn, ids, p.by(), func(outcomes []surface.Outcome) {
		for _, o := range outcomes {
			sum.count(o.Changed, o.Note)
		}
		if done := sum.Changed + sum.Left; done < len(ids) {
			p.say("%s of %s", ui.Thousands(done), ui.Count(len(ids), "job", "jobs"))
		}
	})
	if err != nil && sum.Changed == 0 {
		return err
	}
	sum.Undo = entries
	if printErr := p.printActed(a, sum); err == nil {
		err = printErr
	} else { // some of its transactions are committed
		err = fmt.Errorf("%w; %s of %s had been %s by then", inOneSentence(ctx, err), ui.Thousands(sum.Changed), ui.Count(len(ids), "job", "jobs"), a.Did)
		return &exitError{1, err}
	}
	switch {
	case err != nil:
		return err
	case sum.Changed == 0:
		return errUnchanged
	case sum.Changed < must:
		return fmt.Errorf("%s of %s were left as they are", ui.Thousands(sum.Left), ui.Count(len(ids), "job", "jobs"))
	}
	return nil
}

func (p *jobsProgram) printActed(a surface.Act, sum acted) error {
	if p.json {
		return json.NewEncoder(p.Stdout).Encode(sum)
	}
	sum.printNotes(p.Stdout)
	if sum.Changed > 0 {
		fmt.Fprintf(p.Stdout, "%s %s.\n", ui.Count(sum.Changed, "job", "jobs"), a.Did)
	}
	if len(sum.Undo) > 0 {
		fmt.Fprintf(p.Stdout, "To undo it within ten minutes: backlist jobs undo %s --yes\n", strings.Trim(fmt.Sprint(sum.Undo), "[]"))
	}
	return nil
}
