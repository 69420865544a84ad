// Package app is the program: its commands, and the wiring of its parts.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/config"
	"github.com/backlist/backlist/internal/scale"
)

// Env is the environment of a run. Tests supply their own and run commands in-process.
type Env struct {
	Args           []string
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	RequestTime    time.Duration // of web.Server
}

// command is one command of the program. It is made for one run, so its flags are variables of its own.
type command struct {
	name  string
	args  string // as usage shows them
	mixed bool   // flags may follow arguments
	short string // what it does, as usage shows it
	flags func(*flag.FlagSet)
	run   func(ctx context.Context, p *program, args []string) error // gets the arguments that are not flags
}

// program is one run: its environment, its configuration and the flag that all commands have.
type program struct {
	Env
	cfg     config.Config
	dataDir string // --data

	childOutput io.Writer                                // of the processes that dev starts
	formation   func(processType string) scale.Formation // of dev --scale; otherwise nil
}

// say reports a command's progress on standard error.
func (p *program) say(format string, args ...any) {
	fmt.Fprintf(p.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// printJSON writes a command's result as JSON.
func (p *program) printJSON(found any) error {
	enc := json.NewEncoder(p.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(found)
}

// commands returns all commands, in the order in which usage lists them.
func commands() []command {
	return slices.Concat([]command{
		devCommand(),
		{name: "web", short: "serve the site on PORT", run: runWeb},
		workerCommand(),
		{name: "migrate", short: "bring the database up to this release", run: runMigrate},
		seedCommand(),
	}, operatorCommands(), []command{
		{name: "reader reset", args: "EMAIL", short: "print a link that sets a new password", run: runReaderReset},
	}, jobsCommands(), []command{
		consoleCommand(),
		{name: "psql", args: "[-- ARGS]", short: "open psql on the database, schema jobs first", run: runPsql},
		doctorCommand(),
		{name: "config", short: "print the configuration, secrets masked", run: runConfig},
		benchWebCommand(),
		benchWorkCommand(),
		benchLatencyCommand(),
		benchSQLCommand(),
		benchConsoleCommand(),
		benchLoadCommand(),
		drillCommand(),
		simulateCommand(),
	})
}

// Run executes the command that env.Args name. The error that it returns is written for the user at the terminal.
func Run(ctx context.Context, env Env) error {
	if len(env.Args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, env.Args[0]) {
		usage(env.Stdout, "")
		return nil
	}
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(env.Args) < len(words) || !slices.Equal(words, env.Args[:len(words)]) {
			continue
		}
		p := &program{Env: env}
		flags := flag.NewFlagSet("backlist "+c.name, flag.ContinueOnError)
		flags.SetOutput(env.Stderr)
		flags.StringVar(&p.dataDir, "data", "", "`folder` of the private Postgres, used where DATABASE_URL is not set")
		if c.flags != nil {
			c.flags(flags)
		}
		args, err := c.parse(flags, env.Args[len(words):])
		if errors.Is(err, flag.ErrHelp) {
			return nil
		} else if err != nil {
			return usageError("see: backlist help")
		}
		if c.args == "" && !c.mixed && len(args) > 0 {
			return usageError("backlist %s takes no arguments, but got %q", c.name, strings.Join(args, " "))
		}
		if p.cfg, err = config.FromEnv(env.Getenv); err != nil {
			return fmt.Errorf("invalid configuration:\n%w", err)
		}
		return db.ExplainReadOnly(c.run(ctx, p, args))
	}
	if slices.Contains([]string{"help", "-h", "--help"}, env.Args[len(env.Args)-1]) {
		usage(env.Stdout, env.Args[0])
		return nil
	}
	usage(env.Stderr, env.Args[0])
	return usageError("unknown command %q", strings.Join(env.Args, " "))
}

// parse reads flags, and returns the other arguments.
func (c command) parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil || !c.mixed || flags.NArg() == 0 {
			return append(rest, flags.Args()...), err
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

// usage lists the commands that begin with word, or all commands if none does.
func usage(w io.Writer, word string) {
	all := commands()
	begins := func(c command) bool { return strings.HasPrefix(c.name, word+" ") }
	if word != "" && slices.ContainsFunc(all, begins) {
		all = slices.DeleteFunc(all, func(c command) bool { return !begins(c) })
	}
	fmt.Fprint(w, "Backlist: a reading site and its back office, on Postgres alone.\n\nUsage: backlist COMMAND [--data DIR]\n\n")
	for _, c := range all {
		fmt.Fprintf(w, "  %-25s %s\n", strings.TrimSpace(c.name+" "+c.args), c.short)
	}
	fmt.Fprint(w, "\nDATABASE_URL names the database. Where it is not set, every command uses a private Postgres of its own,\n"+
		"kept in the folder that --data names.\n")
}
