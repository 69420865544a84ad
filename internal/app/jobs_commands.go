package app

import (
	"context"
	"flag"

	"github.com/backlist/backlist/internal/surface"
)

// jobsCommands returns the commands that read jobs and act on them, all through schema jobs.
func jobsCommands() []command {
	list := []command{
		jobsCommand("list", "[SEARCH]", "list jobs, newest first: 'state:discarded kind:send_invoice since:2h'", setListFlags, runJobsList),
		jobsCommand("show", "ID", "everything that is known about a job", setJSONFlag, runJobsShow),
		jobsCommand("explain", "ID", "why a job does not run, and when it will", setJSONFlag, runJobsExplain),
	}
	for _, v := range surface.Views() {
		list = append(list, jobsCommand(v.Command, "", v.Help, setLookFlags, lookAt(v)))
	}
	for _, a := range surface.Acts() {
		args, set := a.On, setByFlags
		if a.On == "jobs" {
			args, set = "[ID ...]", setActFlags
		}
		switch a.Name {
		case "snooze":
			set = setSnoozeFlags
		case "mute":
			set = setMuteFlags
		}
		list = append(list, jobsCommand(a.Name, args, a.Help, set, actOn(a)))
	}
	list = append(list, bulkCommands()...)
	return append(list,
		jobsCommand("undo", "ENTRY ...", "undo acts of the last ten minutes, by their entries in jobs audit", setUndoFlags, runJobsUndo),
		jobsCommand("copy", "ID", "enqueue a copy of a job, with changed arguments", setCopyFlags, runJobsCopy))
}

// jobsCommand returns a command of backlist jobs; set registers its flags.
func jobsCommand(
	name, args, short string, set func(*flag.FlagSet, *jobsProgram), run func(context.Context, *jobsProgram, []string) error,
) command {
	j := &jobsProgram{}
	return command{
		name: "jobs " + name, args: args, mixed: true, short: short,
		flags: func(f *flag.FlagSet) { set(f, j) },
		run: func(ctx context.Context, p *program, args []string) error {
			j.program = p
			return run(ctx, j, args)
		},
	}
}
