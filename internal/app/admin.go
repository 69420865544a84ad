package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/pglocal"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/internal/work/schedule"
)

// withPool runs fn on a small pool, so that a one-off command finds connections even beside a full formation.
func (p *program) withPool(ctx context.Context, fn func(pool *pgxpool.Pool) error) error {
	log := newLogger(p.Stderr, p.cfg)
	url, release, err := p.databaseURL(ctx, log)
	if err != nil {
		return err
	}
	defer release()
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 2})
	if err != nil {
		return inOneSentence(ctx, err)
	}
	defer pool.Close()
	return fn(pool)
}

func runMigrate(ctx context.Context, p *program, _ []string) error {
	return p.withPool(ctx, func(pool *pgxpool.Pool) error {
		return migrate(ctx, pool, newLogger(p.Stdout, p.cfg))
	})
}

// migrate brings the schema and the declared schedules up to this release.
func migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	if err := db.Migrate(ctx, pool, log); err != nil {
		return err
	}
	return db.Usual().Step(ctx, pool, log, "declare schedules", func(tx pgx.Tx) error {
		return schedule.Declare(ctx, tx, schedules())
	})
}

// oneAddress checks the one argument of a command, an account's address. The database decides whether the account exists.
func oneAddress(command string, args []string) error {
	if len(args) != 1 {
		return usageError("usage: backlist %s EMAIL", command)
	}
	if strings.TrimSpace(args[0]) == "" || !form.Clean(args[0]) {
		return usageError("%q is not the address of an account", args[0])
	}
	return nil
}

func runReaderReset(ctx context.Context, p *program, args []string) error {
	if err := oneAddress("reader reset", args); err != nil {
		return err
	}
	return p.withPool(ctx, func(pool *pgxpool.Pool) error {
		base, err := site.NewAddress(p.cfg.BaseURL).Base(ctx, pool)
		if err != nil {
			return err
		}
		var link string
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
			link, err = reader.MintReset(ctx, tx, args[0], base)
			return err
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("no account has the address %s", args[0])
		}
		if err == nil {
			fmt.Fprintf(p.Stdout, "This link sets a new password; it works once, for one hour:\n%s\n", link)
		}
		return err
	})
}

func runConfig(_ context.Context, p *program, _ []string) error { return p.cfg.Print(p.Stdout) }

// runPsql runs psql on the configured database, with schema jobs first on the search path.
func runPsql(ctx context.Context, p *program, args []string) error {
	psql, err := pglocal.Find("psql")
	if err != nil {
		return err
	}
	databaseURL, release, err := p.databaseURL(ctx, newLogger(p.Stderr, p.cfg))
	if err != nil {
		return err
	}
	defer release()
	if len(args) == 0 {
		fmt.Fprintln(p.Stderr, `Try: \dv jobs.*   \d+ jobs.job   or a query of db/reports/cookbook.md.   Leave with \q`)
	}
	public, password, err := withoutPassword(databaseURL)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), psql, append([]string{public}, args...)...)
	cmd.Env = os.Environ()
	if password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	cmd.Env = append(cmd.Env, "PGOPTIONS=-c search_path=jobs,public,work,river", "PGAPPNAME=backlist psql")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, forChild(p.Stdout), forChild(p.Stderr)
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return &exitError{exit.ExitCode(), nil} // psql has said what is wrong
	}
	return err
}

// withoutPassword takes the password out of a database URL: every user of a machine can read the arguments of its programs.
func withoutPassword(databaseURL string) (public, password string, err error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", "", errors.New("DATABASE_URL is not a URL that psql can be given")
	}
	if u.User != nil {
		password, _ = u.User.Password()
		u.User = url.User(u.User.Username())
	}
	query := u.Query()
	if query.Has("sslpassword") { // psql reads it from no variable
		return "", "", errors.New("DATABASE_URL has an sslpassword, which psql would show to every user of this machine; start psql yourself, with a key that needs none")
	}
	if query.Has("password") {
		password = query.Get("password")
		query.Del("password")
		u.RawQuery = query.Encode()
	}
	return u.String(), password, nil
}
