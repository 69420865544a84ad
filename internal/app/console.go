package app

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os/user"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/serve"
)

// consolePort is the port of the command console unless --port says another.
const consolePort = 5001

func consoleCommand() command {
	var port int
	return command{
		name: "console", short: "serve the console alone, on this machine, for the configured database",
		flags: func(f *flag.FlagSet) { f.IntVar(&port, "port", consolePort, "`port` on 127.0.0.1") },
		run: func(ctx context.Context, p *program, _ []string) error {
			return p.withPool(ctx, func(pool *pgxpool.Pool) error { return p.console(ctx, pool, port) })
		},
	}
}

// console serves the console until ctx ends. It changes nothing in the database by itself.
func (p *program) console(ctx context.Context, pool *pgxpool.Pool, port int) error {
	err := db.Check(ctx, pool)
	if errors.Is(err, db.ErrSchemaOld) {
		return errors.New("the database has no schema jobs, or that of an older release: run backlist migrate on it first")
	}
	if err != nil {
		return inOneSentence(ctx, err)
	}
	listener, err := listen("127.0.0.1", port)
	if err != nil {
		return err
	}
	host, log := listener.Addr().String(), newLogger(p.Stderr, p.cfg)
	local := console.NewLocal(localName(p))
	site := console.New(console.Config{
		Pool: pool, Identity: local, Log: log, Release: p.cfg.Release, NotFound: http.NotFoundHandler(), RequestTime: p.RequestTime,
	})
	server := &serve.Server{HTTP: &http.Server{Handler: local.Handler(site, host), ReadHeaderTimeout: 5 * time.Second}, Stopping: site.Close}
	fmt.Fprintf(p.Stdout, "The console is at %s\nThe address works once. Ctrl-C stops it.\n", local.Address(host))
	return server.Run(ctx, listener)
}

// localName returns how jobs.audit names the person at this machine.
func localName(p *program) string {
	name := cmp.Or(p.Getenv("USER"), p.Getenv("LOGNAME"))
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	return cmp.Or(name, "unknown") + " (backlist console)"
}
