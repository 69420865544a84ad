package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
)

func runJobsList(ctx context.Context, p *jobsProgram, args []string) error {
	if err := p.search(args); err != nil {
		return err
	}
	if err := p.filter.Check(); err != nil {
		return usageError("%w", err)
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		table, err := surface.List(ctx, conn, p.filter, p.json)
		return p.printed(table, err, "no such jobs")
	})
}

// printed prints a table. An empty table is an error with exit code 1, so that a script can tell.
func (p *jobsProgram) printed(table surface.Table, err error, empty string) error {
	if err != nil {
		return err
	}
	if p.json {
		if err := p.printJSON(table); err != nil {
			return err
		}
	}
	switch {
	case len(table.Rows) == 0:
		return &exitError{1, fmt.Errorf("%s", empty)}
	case p.json:
		return nil
	}
	return printTable(p.Stdout, table)
}

func lookAt(v surface.View) func(context.Context, *jobsProgram, []string) error {
	return func(ctx context.Context, p *jobsProgram, args []string) error {
		switch {
		case len(args) > 0:
			return usageError("backlist jobs %s takes no arguments, but got %q", v.Command, args[0])
		case p.filter.Limit < 1:
			return usageError("the limit is at least 1")
		}
		return p.onJobs(ctx, func(conn *pgx.Conn) error {
			table, err := surface.Look(ctx, conn, v, p.filter.Limit, p.json)
			return p.printed(table, err, "jobs."+v.Name+" is empty")
		})
	}
}

func runJobsShow(ctx context.Context, p *jobsProgram, args []string) error {
	id, err := oneJob("jobs show", args)
	if err != nil {
		return err
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		d, err := surface.Show(ctx, conn, id)
		if err != nil {
			return err
		}
		if p.json {
			return p.printJSON(d)
		}
		if len(d.Job.Rows) == 0 {
			fmt.Fprintf(p.Stdout, "Job %d has been cleaned away or deleted; this is what remains of it.\n", id)
		}
		err = printRecords(p.Stdout, d.Job)
		if err == nil && len(d.Attempts.Rows) > 0 {
			fmt.Fprintln(p.Stdout, "\nattempts of the last day")
			err = printTable(p.Stdout, d.Attempts)
		}
		if err == nil && len(d.Audit.Rows) > 0 {
			fmt.Fprintln(p.Stdout, "\nacts on it")
			err = printTable(p.Stdout, d.Audit)
		}
		return err
	})
}

func runJobsExplain(ctx context.Context, p *jobsProgram, args []string) error {
	id, err := oneJob("jobs explain", args)
	if err != nil {
		return err
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		table, err := surface.Explain(ctx, conn, id)
		switch {
		case err != nil:
			return err
		case p.json:
			return p.printJSON(table)
		}
		return printRecords(p.Stdout, table)
	})
}
