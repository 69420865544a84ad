package pglocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	startLimit = 2 * time.Minute      // for a start, with crash recovery, or a stop
	pollEvery  = 5 * time.Millisecond // Postgres tells nobody but its pid file that it is ready
	fastLimit  = 20 * time.Second     // after which a fast shutdown becomes an immediate one
	portTries  = 5                    // another process can take a free port before Postgres does
)

// child is a postmaster that we started.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has been waited for
}

var errServerGone = errors.New("the server went away")

// attachOrStart leaves a server running that has its database. The caller holds start.lock.
func (s *Server) attachOrStart(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	free, err := tryLock(s.living, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	if !free && s.cfg.Shared {
		if err := s.attach(ctx); !errors.Is(err, errServerGone) {
			return err
		}
	} else if !free { // left over by an owner that was killed; its settings may not be ours
		s.log.WarnContext(ctx, "stopping a server whose owner is gone", "dir", s.cfg.Dir)
		if err := s.halt(ctx); err != nil {
			return err
		}
	}
	// From here on we hold server.lock: no server of this folder lives. The children get this very lock
	// by inheritance, so it must not be the file we keep: ours would look like a server for ever.
	living := s.living
	defer living.Close()
	if s.living, err = openLock(s.path("server.lock")); err != nil {
		return err
	}
	return s.startAnew(ctx, living)
}

// attach waits for a server that another process started; errServerGone when it ends instead (as does an
// initdb whose starter was killed), and then s.living holds the lock.
func (s *Server) attach(ctx context.Context) error {
	return s.ready(ctx, func() error {
		free, err := tryLock(s.living, syscall.LOCK_EX)
		if err == nil && free {
			err = errServerGone
		}
		return err
	})
}

// startAnew makes a cluster where there is none and starts it.
func (s *Server) startAnew(ctx context.Context, living *os.File) error {
	if err := s.clearPIDFile(); err != nil {
		return err
	}
	major, err := s.clusterMajor(ctx)
	if err != nil {
		return err
	}
	p, err := s.findPrograms(ctx, major)
	if err != nil {
		return err
	}
	if major != 0 {
		err := s.launch(ctx, p, living)
		if err == nil || !s.cfg.Throwaway || ctx.Err() != nil {
			return err
		}
		if err := s.setAside(ctx, err.Error()); err != nil { // without fsync a power cut can ruin test data
			return err
		}
	}
	if err := s.initCluster(ctx, p, living); err != nil {
		return err
	}
	return s.launch(ctx, p, living)
}

// clearPIDFile removes the pid file of a dead server. Postgres would do so itself, but not when the number
// has meanwhile been given to another process. Only a server started by hand lives without our lock.
func (s *Server) clearPIDFile() error {
	file, err := readPIDFile(s.path("data"))
	if err != nil {
		return nil // none, or one that nobody can read
	}
	if conn, err := net.DialTimeout("tcp", file.address(), time.Second); err == nil {
		conn.Close()
		if syscall.Kill(file.pid, 0) == nil {
			return fmt.Errorf("a Postgres that Backlist did not start (process %d) runs on %s: stop it first", file.pid, s.path("data"))
		}
	}
	return os.Remove(filepath.Join(s.path("data"), "postmaster.pid"))
}

// launch starts the postmaster, on another port when the chosen one was taken meanwhile.
func (s *Server) launch(ctx context.Context, p programs, living *os.File) error {
	for try := 1; ; try++ {
		err := s.launchOnce(ctx, p, living)
		if err == nil || try == portTries || !strings.Contains(err.Error(), "could not create any TCP/IP sockets") {
			return err
		}
	}
}

func (s *Server) launchOnce(ctx context.Context, p programs, living *os.File) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	_ = os.Rename(s.path("postgres.log"), s.path("postgres.log.1")) // nothing to keep at the first start
	log, err := os.OpenFile(s.path("postgres.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// Not ctx: the server outlives the call, and of a shared one also the process.
	cmd := s.account.command(context.Background(), p.path("postgres"), s.arguments(port)...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{living}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start Postgres %d: %w", p.major, err)
	}
	c := &child{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(c.exited)
	}()
	err = s.ready(ctx, func() error {
		select {
		case <-c.exited:
			return errServerGone
		default:
			return nil
		}
	})
	if errors.Is(err, errServerGone) {
		return fmt.Errorf("Postgres %d did not start in %s, its log ends with: %s", p.major, s.cfg.Dir, s.logTail())
	}
	if err != nil {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-c.exited
		return err
	}
	s.child = c
	return nil
}

// freePort asks the kernel for a port that is free now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ready waits until the server takes connections, and sees to it that it has its database. gone tells
// whether there is still a server to wait for.
func (s *Server) ready(ctx context.Context, gone func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit,
		fmt.Errorf("Postgres in %s was not ready within %v: see postgres.log there", s.cfg.Dir, startLimit))
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := gone(); err != nil {
			return err
		}
		if file, err := readPIDFile(s.path("data")); err == nil && file.status == "ready" {
			s.pid, s.port = file.pid, file.port
			if err := s.readPassword(); err != nil {
				return err
			}
			err := s.ensureDatabase(ctx)
			if err == nil {
				return nil
			}
			// Class 57 is starting up or shutting down; an error of the network is a server that was
			// killed and whose children have not all ended. Any other answer is final.
			if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && !strings.HasPrefix(pgErr.Code, "57") {
				return fmt.Errorf("connect to the Postgres in %s: %w", s.cfg.Dir, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ensureDatabase connects, and creates the database when the start that made the cluster did not get so far.
func (s *Server) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.url(roleName))
	if err == nil {
		return conn.Close(ctx)
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "3D000" { // invalid_catalog_name: no such database
		return err
	}
	if conn, err = pgx.Connect(ctx, s.url("postgres")); err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "create database "+roleName)
	return err
}

// halt ends the server, if one lives, and waits until its last process has ended: then s.living holds the lock.
func (s *Server) halt(ctx context.Context) error {
	if free, err := tryLock(s.living, syscall.LOCK_EX); err != nil || free {
		return err
	}
	signal := syscall.SIGINT // fast shutdown
	patience := time.After(fastLimit)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	told := 0
	for {
		pid := s.pid
		if file, err := readPIDFile(s.path("data")); err == nil {
			pid = file.pid
		}
		if pid != 0 && pid != told {
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop Postgres, process %d: %w", pid, err)
			}
			told = pid
		}
		if free, err := tryLock(s.living, syscall.LOCK_EX); err != nil {
			return err
		} else if free {
			break
		}
		select {
		case <-tick.C:
		case <-patience:
			signal, told = syscall.SIGQUIT, 0 // immediate: the next start recovers from the log
		case <-ctx.Done():
			return fmt.Errorf("Postgres in %s (process %d) does not stop: %w", s.cfg.Dir, pid, ctx.Err())
		}
	}
	if s.child != nil {
		<-s.child.exited
	}
	return nil
}

// pidFile is what the postmaster says of itself in postmaster.pid.
type pidFile struct {
	pid, port int
	status    string // "ready" when it takes connections
}

func (f pidFile) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port)) }

// readPIDFile reads a cluster's postmaster.pid, whose lines are: pid, data folder, start time, port, socket
// folder, listen address, shared memory key, status (miscadmin.h, LOCK_FILE_LINE_*).
func readPIDFile(data string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		return pidFile{}, errors.New("postmaster.pid is not whole")
	}
	var file pidFile
	if file.pid, err = strconv.Atoi(strings.TrimSpace(lines[0])); err != nil {
		return pidFile{}, err
	}
	if file.port, err = strconv.Atoi(strings.TrimSpace(lines[3])); err != nil {
		return pidFile{}, err
	}
	if len(lines) > 7 {
		file.status = strings.TrimSpace(lines[7])
	}
	return file, nil
}

// logTail is the end of the present run's log.
func (s *Server) logTail() string {
	text, err := os.ReadFile(s.path("postgres.log"))
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
}
