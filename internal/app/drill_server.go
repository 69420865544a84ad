package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/backlist/backlist/internal/drill"
	"github.com/backlist/backlist/internal/pglocal"
)

// drillServer is the private Postgres of a drill, as durable as a real one.
type drillServer struct {
	dir    string
	self   string
	log    *slog.Logger
	server *pglocal.Server
}

func (d *drillServer) start(ctx context.Context) (string, error) {
	server, err := pglocal.Start(ctx, pglocal.Config{Dir: d.dir, Log: d.log, MaxConnections: 200})
	if err != nil {
		return "", err
	}
	d.server = server
	return server.URL(), nil
}

// crash ends the server with SIGQUIT: at once, without a checkpoint.
func (d *drillServer) crash() error {
	text, err := os.ReadFile(filepath.Join(d.dir, "data", "postmaster.pid"))
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return fmt.Errorf("read the server's pid: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		return err
	}
	return d.stop()
}

func (d *drillServer) stop() error { return d.server.Stop() }

// shiftedRole names the process that runs a Postgres with a shifted clock. All other roles are package drill's.
const shiftedRole = "postgres:"

// shifted runs a second server in a process of its own. The environment of that process gives every program that it starts
// a shifted clock. It needs a C compiler for clockSource.
func (d *drillServer) shifted(ctx context.Context, by time.Duration) (_ string, stop func() error, err error) {
	if err := os.MkdirAll(d.dir, 0o711); err != nil {
		return "", nil, err
	}
	shim := filepath.Join(d.dir, "clock.so")
	if err := compileClock(ctx, shim); err != nil {
		return "", nil, err
	}
	cmd := exec.Command(d.self, "drill", "--process", shiftedRole+d.dir+"-"+by.String()) // stop ends it
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+shim, "CLOCK_SHIFT="+strconv.Itoa(int(by.Seconds())))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("start a Postgres with another clock: %w", err), stop())
	}
	return strings.TrimSpace(line), stop, nil
}

// drillProcess runs one of the drill's processes. It ends with ctx or at the end of its standard input.
func (p *program) drillProcess(ctx context.Context, role string) error {
	log := newLogger(p.Stderr, p.cfg)
	dir, isServer := strings.CutPrefix(role, shiftedRole)
	if !isServer {
		return drill.Serve(ctx, role, p.cfg.DatabaseURL, p.Stdin, p.Stdout, log)
	}
	server, err := pglocal.Start(ctx, pglocal.Config{Dir: dir, Log: log})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, server.URL())
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, p.Stdin)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return server.Stop()
}
