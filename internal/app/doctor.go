package app

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/doctor"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/postgres"
)

func doctorCommand() command {
	var json bool
	return command{
		name: "doctor", short: "check the deployment and say what to do; exit code 1: warnings, 2: something is broken",
		flags: func(f *flag.FlagSet) { f.BoolVar(&json, "json", false, "print JSON") },
		run:   func(ctx context.Context, p *program, _ []string) error { return p.doctor(ctx, json) },
	}
}

const (
	// doctorPatience is how long a transaction may be idle, or a job may wait, before doctor warns.
	doctorPatience = time.Minute
	// doctorNoticeTime is how long a notice may take.
	doctorNoticeTime = 3 * time.Second
)

// doctor checks the deployment. Its exit code is 0 if all is well, 1 with warnings and 2 if something is broken.
func (p *program) doctor(ctx context.Context, json bool) error {
	url, release, err := p.databaseURL(ctx, newLogger(p.Stderr, p.cfg))
	if err != nil {
		return err
	}
	defer release()
	cfg, err := postgres.PlainConfig(url, "backlist doctor")
	if err != nil {
		return err
	}
	exam := doctor.Exam{
		Config: cfg, Release: p.cfg.Release, PollOnly: p.cfg.WorkerPollOnly, Now: time.Now, Patience: doctorPatience,
		Also:       p.checkBudget,
		NoticeTime: doctorNoticeTime,
	}
	found := append(exam.Run(ctx), p.checkSettings()...)
	found = append(found, p.checkMail(ctx)...)
	if ctx.Err() != nil {
		return inOneSentence(ctx, ctx.Err())
	}
	if json {
		err = p.printJSON(found)
	} else {
		err = printFindings(p.Stdout, found)
	}
	if err != nil {
		return err
	}
	switch doctor.Worst(found) {
	case doctor.Broken:
		return &exitError{2, errors.New("something is broken")}
	case doctor.Warn:
		return &exitError{1, errors.New("it works, but something needs attention")}
	}
	return nil
}

func printFindings(w io.Writer, found []doctor.Finding) error {
	for _, f := range found {
		if _, err := fmt.Fprintf(w, "%-8s %-13s %s\n", f.Level, f.Check, f.Says); err != nil {
			return err
		}
		if f.Do != "" {
			fmt.Fprintf(w, "%-8s %-13s → %s\n", "", "", f.Do)
		}
	}
	return nil
}

// checkSettings checks the configuration, of which only SECRET_KEY is required.
func (p *program) checkSettings() (found []doctor.Finding) {
	add := func(level doctor.Level, says, do string) {
		found = append(found, doctor.Finding{Check: "settings", Level: level, Says: says, Do: do})
	}
	switch {
	case p.cfg.DatabaseURL == "":
		add(doctor.Hint, "DATABASE_URL is not set: this is the private Postgres of this machine.", "")
	case p.cfg.SecretKey == "":
		add(doctor.Warn, "SECRET_KEY is not set here, and web and worker do not start without it.", `Set it for both: heroku config:set SECRET_KEY="$(openssl rand -hex 32)"`)
	}
	if p.cfg.SMTPURL == "" {
		add(doctor.Hint, "SMTP_URL is not set: mail stays in the readers' mailboxes on the site.", "")
	} else if p.cfg.MailFrom == "" {
		add(doctor.Hint, "MAIL_FROM is not set: mail is sent under an address that may be refused.", "Set it to one that the mail server lets you use.")
	}
	if p.cfg.BaseURL == "" {
		add(doctor.Hint, "BASE_URL is not set: links in mail begin with the address of the first sign-up.", "Set it wherever a proxy does not check host names.")
	}
	if len(found) == 0 {
		add(doctor.OK, "Everything that should be set is set.", "")
	}
	return found
}

// checkMail signs in to the mail server. Without this check a wrong setting would show only after a day of failed attempts.
func (p *program) checkMail(ctx context.Context) []doctor.Finding {
	found := doctor.Finding{Check: "mail", Level: doctor.OK, Says: "The mail server answers and accepts our sign-in."}
	sender, err := mail.NewSender(p.cfg.SMTPURL, p.cfg.MailFrom)
	switch {
	case err != nil:
		found.Level, found.Says, found.Do = doctor.Broken, err.Error()+".", "Correct it: web and worker do not start until then."
	case sender == nil:
		return nil
	default:
		if err := sender.Check(ctx, p.cfg.BaseURL); err != nil {
			found.Level, found.Says = doctor.Warn, "The mail server cannot be used: "+err.Error()+"."
			found.Do = "Correct SMTP_URL. Mail stays queued, and workers retry it for about a day."
		}
	}
	return []doctor.Finding{found}
}

// checkBudget compares the connections that processes may open with what the server allows.
func (p *program) checkBudget(ctx context.Context, conn *pgx.Conn) []doctor.Finding {
	found := doctor.Finding{Check: "budget", Level: doctor.OK}
	budget, err := postgres.ReadBudget(ctx, conn, p.cfg.WebMax, p.cfg.WorkersMax)
	web, worker := p.cfg.WebPool, p.cfg.WorkerPool
	if err == nil && (web == 0 || worker == 0) {
		var pool int
		pool, err = budget.Pool()
		web, worker = cmp.Or(web, pool), cmp.Or(worker, pool)
	}
	if err != nil {
		found.Level, found.Says = doctor.Broken, "The connection budget cannot be met: "+err.Error()+"."
		found.Do = "Lower WORKERS_MAX, choose a plan with more connections, or raise the role's limit."
		return []doctor.Finding{found}
	}
	need := budget.Need(web, worker)
	found.Says = fmt.Sprintf("%s, twice over in a deploy, take up to %d of %d connections (pools of %d and %d).",
		budget.Processes(), need, budget.Limit, web, worker)
	if need > budget.Limit {
		found.Level = doctor.Warn
		found.Do = "Set WORKERS_MAX to the largest number of workers that will run, and unset WEB_POOL and WORKER_POOL: they are derived from it and the limit."
	}
	return []doctor.Finding{found}
}
