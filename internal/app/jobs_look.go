package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
)

// jobsCommands are the commands that look at jobs and act on them. All of it goes through schema jobs.
func jobsCommands() []command {
	list := []command{
		{name: "jobs list", help: "list jobs, the newest first: --state, --kind, --queue, --since …", run: runJobsList, set: setListFlags},
		{name: "jobs show", args: "ID", help: "all that is known of a job", run: runJobsShow, set: setJSONFlag},
		{name: "jobs explain", args: "ID", help: "why a job does not run, and when it will", run: runJobsExplain, set: setJSONFlag},
	}
	names := map[string]string{
		"queue": "queues: what waits, how long, how quickly it goes", "kind": "kinds of job, and how they fare", "worker": "workers, and what they run",
		"error": "errors, one line for all that read the same", "schedule": "periodic jobs", "release": "what has been deployed", "audit": "who did what to the jobs, and why",
	}
	for _, v := range surface.Views() {
		plural := v.Name + "s"
		if v.Name == "audit" {
			plural = v.Name
		}
		list = append(list, command{name: "jobs " + plural, help: names[v.Name], run: lookAt(v), set: setLookFlags})
	}
	for _, a := range surface.Acts() {
		c := command{name: "jobs " + a.Name, args: a.On, help: a.Help, run: actOn(a), set: setByFlags}
		if a.On == "jobs" {
			c.args, c.set = "[ID ...]", setActFlags
		}
		list = append(list, c)
	}
	for i := range list {
		list[i].mixed = true
	}
	return list
}

func runJobsList(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 {
		return badUse("backlist jobs list takes no arguments, but got %q; did you mean: backlist jobs show %s", args[0], args[0])
	}
	if err := p.jobs.filter.Check(); err != nil {
		return badUse("%w", err)
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		table, err := surface.List(ctx, conn, p.jobs.filter, p.jobs.json)
		return p.printed(table, err, "no such jobs")
	})
}

// printed prints a table. An empty one is an error with exit code 1, so that a script can tell.
func (p *program) printed(table surface.Table, err error, empty string) error {
	if err != nil {
		return err
	}
	if p.jobs.json {
		if err := p.printJSON(table); err != nil {
			return err
		}
	}
	switch {
	case len(table.Rows) == 0:
		return &exitError{1, fmt.Errorf("%s", empty)}
	case p.jobs.json:
		return nil
	}
	return printTable(p.Stdout, table)
}

func lookAt(v surface.View) func(context.Context, *program, []string) error {
	return func(ctx context.Context, p *program, args []string) error {
		switch {
		case len(args) > 0:
			return badUse("backlist jobs %ss takes no arguments, but got %q", v.Name, args[0])
		case p.jobs.filter.Limit < 1:
			return badUse("the limit is at least 1")
		}
		return p.onJobs(ctx, func(conn *pgx.Conn) error {
			table, err := surface.Look(ctx, conn, v, p.jobs.filter.Limit, p.jobs.json)
			return p.printed(table, err, "jobs."+v.Name+" is empty")
		})
	}
}

func runJobsShow(ctx context.Context, p *program, args []string) error {
	id, err := oneJob("jobs show", args)
	if err != nil {
		return err
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		d, err := surface.Show(ctx, conn, id)
		if err != nil {
			return err
		}
		if p.jobs.json {
			return p.printJSON(d)
		}
		if len(d.Job.Rows) == 0 {
			fmt.Fprintf(p.Stdout, "Job %d has been cleaned away or deleted; this is what is left of it.\n", id)
		}
		err = printRecords(p.Stdout, d.Job)
		if err == nil && len(d.Attempts.Rows) > 0 {
			fmt.Fprintln(p.Stdout, "\nattempts of the last day")
			err = printTable(p.Stdout, d.Attempts)
		}
		if err == nil && len(d.Audit.Rows) > 0 {
			fmt.Fprintln(p.Stdout, "\nwhat people did to it")
			err = printTable(p.Stdout, d.Audit)
		}
		return err
	})
}

func runJobsExplain(ctx context.Context, p *program, args []string) error {
	id, err := oneJob("jobs explain", args)
	if err != nil {
		return err
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		table, err := surface.Explain(ctx, conn, id)
		switch {
		case err != nil:
			return err
		case p.jobs.json:
			return p.printJSON(table)
		}
		return printRecords(p.Stdout, table)
	})
}
