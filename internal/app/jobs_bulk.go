package app

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/bulk"
	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/views/ui"
)

// bulkCommands returns the commands on bulk acts, which worker and web processes work on; lookAt lists them.
func bulkCommands() []command {
	return []command{
		jobsCommand("bulk start", "ACT SEARCH", "act on all jobs that match a search, in worker and web processes", setStartFlags, runBulkStart),
		jobsCommand("bulk show", "BULK", "everything about one bulk act", setJSONFlag, runBulkShow),
		jobsCommand("bulk cancel", "BULK", "stop a bulk act; what it has changed stays changed", setByFlags, onBulk("cancelled", 1,
			func(ctx context.Context, conn *pgx.Conn, ids []int64, by surface.By) (int64, error) {
				return ids[0], bulk.Cancel(ctx, conn, ids[0], by)
			})),
		jobsCommand("bulk undo", "BULK", "undo a bulk act within ten minutes of its end, as another bulk act", setByFlags, onBulk("started", 1,
			func(ctx context.Context, conn *pgx.Conn, ids []int64, by surface.By) (int64, error) {
				return bulk.Undo(ctx, conn, ids[0], by)
			})),
		jobsCommand("bulk confirm", "BULK MATCHES", "let a bulk act go on whose matches have grown to this number", setByFlags, onBulk("confirmed", 2,
			func(ctx context.Context, conn *pgx.Conn, ids []int64, by surface.By) (int64, error) {
				return ids[0], bulk.Confirm(ctx, conn, ids[0], ids[1], by)
			})),
	}
}

func setStartFlags(f *flag.FlagSet, p *jobsProgram) {
	setByFlags(f, p)
	f.BoolVar(&p.yes, "yes", false, "do it; without this it only says what it would do")
	f.Var((*word)(&p.until), "until", "for snooze: the `time`, as in '2026-12-24 18:00Z'")
	f.Var((*word)(&p.in), "for", "for snooze: the `duration` from now, as in 90m, 2d or 1w")
}

// runBulkStart previews an act and, with --yes, starts it.
func runBulkStart(ctx context.Context, p *jobsProgram, args []string) error {
	if len(args) != 2 {
		return usageError("usage: backlist jobs bulk start ACT SEARCH, as in: backlist jobs bulk start retry 'state:discarded kind:send_invoice'")
	}
	switch act := args[0]; {
	case act == "snooze":
		if err := p.readUntil(); err != nil {
			return err
		}
	case p.until+p.in != "":
		return usageError("--until and --for are for snooze")
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		plan, err := bulk.Preview(ctx, conn, args[0], args[1])
		if err != nil {
			return usageError("%w", err)
		}
		if !p.yes {
			if err := p.printPlan(plan); err != nil {
				return err
			}
			return fmt.Errorf("nothing was changed: add --yes to do it")
		}
		id, err := plan.Start(ctx, conn, p.by())
		if err != nil {
			return err
		}
		return p.didBulk(id, "started")
	})
}

func (p *jobsProgram) printPlan(plan bulk.Plan) error {
	if p.json {
		return p.printJSON(plan)
	}
	number := ui.Count(int(plan.Matches), "job", "jobs")
	if plan.More {
		number = "more than " + number
	}
	fmt.Fprintf(p.Stdout, "This would %s %s:\n", strings.ReplaceAll(plan.Act, "_", " "), number)
	for _, s := range plan.Samples {
		fmt.Fprintf(p.Stdout, "  %d  %s, %s\n", s.ID, surface.Text(s.Kind), s.State)
	}
	for _, l := range plan.Left {
		fmt.Fprintf(p.Stdout, "%s of the first %s would be left: %s\n", ui.Thousands(int(l.Jobs)), ui.Thousands(int(plan.Judged)), surface.Text(l.Note))
	}
	return nil
}

// didBulk prints the number of a bulk act.
func (p *jobsProgram) didBulk(id int64, did string) error {
	if p.json {
		return json.NewEncoder(p.Stdout).Encode(struct {
			Bulk int64 `json:"bulk"`
		}{id})
	}
	_, err := fmt.Fprintf(p.Stdout, "Bulk act %d was %s. To follow it: backlist jobs bulk show %[1]d\n", id, did)
	return err
}

// onBulk returns a command with n numbers as its arguments, the first of which is a bulk act's. act returns the bulk act to name.
func onBulk(did string, n int, act func(context.Context, *pgx.Conn, []int64, surface.By) (int64, error)) func(context.Context, *jobsProgram, []string) error {
	return func(ctx context.Context, p *jobsProgram, args []string) error {
		ids, err := numbers(args, n)
		if err != nil {
			return err
		}
		return p.onJobs(ctx, func(conn *pgx.Conn) error {
			id, err := act(ctx, conn, ids, p.by())
			if err != nil {
				return err
			}
			return p.didBulk(id, did)
		})
	}
}

// numbers parses the arguments of a command that takes n numbers.
func numbers(args []string, n int) (ids []int64, err error) {
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, usageError("%q is not a number of backlist jobs bulk list", arg)
		}
		ids = append(ids, id)
	}
	if len(ids) != n {
		return nil, usageError("give the number of a bulk act, as in backlist jobs bulk list%s", map[bool]string{true: ", and the number of jobs that match now"}[n == 2])
	}
	return ids, nil
}

func runBulkShow(ctx context.Context, p *jobsProgram, args []string) error {
	ids, err := numbers(args, 1)
	if err != nil {
		return err
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		table, err := surface.Ask(ctx, conn, "select * from jobs.bulk where id = $1", ids[0])
		switch {
		case err != nil:
			return err
		case len(table.Rows) == 0:
			return fmt.Errorf("there is no bulk act %d", ids[0])
		case p.json:
			return p.printJSON(table)
		}
		return printRecords(p.Stdout, table)
	})
}
