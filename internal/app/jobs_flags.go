package app

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/internal/work/schedule"
)

// jobsProgram is the program with the flags of the commands of backlist jobs. Each command registers only some of them.
type jobsProgram struct {
	*program
	filter      surface.Filter
	json, yes   bool
	reason, who string
	until, in   string        // jobs snooze and mute --until, --for
	snooze      time.Duration // the same as in
	untilSeen   bool          // jobs mute --until-seen
	changes     string        // jobs copy --set
}

// words is a flag that may be given several times or with commas.
type words []string

func (w *words) String() string { return strings.Join(*w, ",") }

func (w *words) Set(value string) error {
	before := len(*w)
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*w = append(*w, part)
		}
	}
	if len(*w) == before {
		return errEmpty
	}
	return nil
}

// errEmpty refuses an empty flag. A script whose variable is not set passes one, and it would not narrow the filter.
var errEmpty = errors.New("it is empty")

// word is a flag that may not be empty.
type word string

func (w *word) String() string { return string(*w) }

func (w *word) Set(value string) error {
	if strings.TrimSpace(value) == "" {
		return errEmpty
	}
	*w = word(value)
	return nil
}

func setJSONFlag(f *flag.FlagSet, p *jobsProgram) {
	f.BoolVar(&p.json, "json", false, "print JSON: every column, durations in seconds, times in UTC")
}

// setFilterFlags registers the filter's flags; limit is the default of --limit.
func setFilterFlags(f *flag.FlagSet, p *jobsProgram, limit int) {
	j := &p.filter
	f.Var((*words)(&j.States), "state", "only these `states`: available, running, scheduled, retryable, pending, completed, cancelled, discarded")
	f.Var((*words)(&j.Kinds), "kind", "only these `kinds`, as in send_invoice,other")
	f.Var((*words)(&j.Queues), "queue", "only these `queues`")
	f.Var((*words)(&j.Workers), "worker", "only jobs that one of these `workers` runs or ran last, by id")
	f.Var((*words)(&j.Tags), "tag", "only jobs with one of these `tags`")
	f.Var((*words)(&j.Requests), "request", "only jobs enqueued by the web request with this `id`")
	f.Var((*words)(&j.Errors), "error", "only jobs that had the error with this `fingerprint` within a day (see backlist jobs errors), or whose latest error contains this text")
	f.Func("args", "only jobs whose arguments contain this `JSON`, as in '{\"order_id\": 42}'", func(text string) error {
		if strings.TrimSpace(text) == "" {
			return errEmpty
		}
		return j.AddArgs(text)
	})
	f.Func("since", "only jobs enqueued, started or finished within this `time`, as in 90m, 2d or 1w", func(text string) error {
		d, err := parseDuration(text)
		j.Since = surface.Ago(d)
		return err
	})
	f.IntVar(&j.Limit, "limit", limit, "at most this `many`, newest first")
}

// search reads the arguments as one search, and adds it to the filter of the flags.
func (p *jobsProgram) search(args []string) error {
	f, err := surface.ParseSearch(strings.Join(args, " "))
	if err == nil {
		err = p.filter.Add(f)
	}
	if err != nil {
		return usageError("%w", err)
	}
	p.filter = p.filter.At(time.Now())
	return nil
}

// parseDuration parses a duration in the syntax of schedules.
func parseDuration(text string) (time.Duration, error) {
	d, err := schedule.ParseInterval(text)
	if err == nil && d < time.Millisecond {
		err = errors.New("since is a duration before now, as in 90m or 2d")
	}
	return d, err
}

func setListFlags(f *flag.FlagSet, p *jobsProgram) {
	setJSONFlag(f, p)
	setFilterFlags(f, p, 50)
}

func setLookFlags(f *flag.FlagSet, p *jobsProgram) {
	setJSONFlag(f, p)
	f.IntVar(&p.filter.Limit, "limit", 50, "at most this `many`")
}

func setByFlags(f *flag.FlagSet, p *jobsProgram) {
	setJSONFlag(f, p)
	f.StringVar(&p.reason, "reason", "", "the `reason`, for jobs.audit; by default the command as it was typed")
	f.StringVar(&p.who, "who", "", "your `name`, for jobs.audit; by default your account on this machine")
}

func setActFlags(f *flag.FlagSet, p *jobsProgram) {
	setByFlags(f, p)
	setFilterFlags(f, p, 100_000)
	f.BoolVar(&p.yes, "yes", false, "do it; without this a filter only counts its jobs")
}

func setSnoozeFlags(f *flag.FlagSet, p *jobsProgram) {
	setActFlags(f, p)
	setUntilFlags(f, p)
}

func setMuteFlags(f *flag.FlagSet, p *jobsProgram) {
	setByFlags(f, p)
	setUntilFlags(f, p)
	f.BoolVar(&p.untilSeen, "until-seen", false, "until the error is seen again")
}

func setUntilFlags(f *flag.FlagSet, p *jobsProgram) {
	f.Var((*word)(&p.until), "until", "the `time`, as in '2026-12-24 18:00Z'")
	f.Var((*word)(&p.in), "for", "the `duration` from now, as in 90m, 2d or 1w")
}

func setUndoFlags(f *flag.FlagSet, p *jobsProgram) {
	setByFlags(f, p)
	f.BoolVar(&p.yes, "yes", false, "do it; without this undo only lists what it would restore")
}

func setCopyFlags(f *flag.FlagSet, p *jobsProgram) {
	setByFlags(f, p)
	f.Var((*word)(&p.changes), "set", "`JSON` to merge into the arguments, as in '{\"order_id\": 42}'; null removes a key")
}

// by returns who acts, and why.
func (p *jobsProgram) by() surface.By {
	by := surface.By{Who: p.who, Reason: p.reason, Until: p.until, For: p.snooze, UntilSeen: p.untilSeen}
	if by.Who == "" {
		by.Who = whoami("backlist jobs")
	}
	if by.Reason == "" {
		by.Reason = "backlist " + strings.Join(p.Args, " ")
	}
	return by
}

// whoami names the account of this machine that runs a command.
func whoami(command string) string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host + " (" + command + ")"
}

// onJobs runs fn on one connection, whose application name is the command's.
func (p *jobsProgram) onJobs(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	for _, arg := range p.Args {
		if !utf8.ValidString(arg) {
			return usageError("%q is not valid UTF-8", arg)
		}
	}
	url, release, err := p.databaseURL(ctx, newLogger(p.Stderr, p.cfg))
	if err != nil {
		return err
	}
	defer release()
	conn, err := connect(ctx, url, "backlist jobs")
	if err != nil {
		return inOneSentence(ctx, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = inOneSentence(ctx, fn(conn))
	if surface.IsBadValue(err) && ExitCode(err) == 1 {
		return &exitError{2, err}
	}
	if errors.Is(err, db.ErrReadOnly) && conn.PgConn().ParameterStatus("in_hot_standby") == "on" {
		return db.ErrReplica
	}
	if err != nil && ExitCode(err) == 1 && errors.Is(err, surface.ErrMissing) {
		return surface.ErrMissing
	}
	return err
}

// connect opens one connection with name as its application name. It prepares no statements, so that it works through any
// pooler.
func connect(ctx context.Context, url, name string) (*pgx.Conn, error) {
	cfg, err := postgres.PlainConfig(url, name)
	if err != nil {
		return nil, err
	}
	conn, _, err := db.Connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "set jit = off"); err != nil { // a statement, because a pooler may drop startup parameters; db.Rely says why it is needed
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// jobIDs parses job ids. One argument may hold several, separated by commas, as a query returns them.
func jobIDs(args []string) (ids []int64, err error) {
	var list words
	for _, arg := range args {
		if err := list.Set(arg); err != nil {
			return nil, usageError("%q is not a job id", arg)
		}
	}
	for _, text := range list {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return nil, usageError("%q is not a job id", text)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func oneJob(command string, args []string) (int64, error) {
	ids, err := jobIDs(args)
	if err == nil && len(ids) != 1 {
		return 0, usageError("usage: backlist %s ID", command)
	}
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}
