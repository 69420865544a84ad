package pglocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// portTries is how often we choose a port: another process can take a free port before Postgres does.
const portTries = 5

// child is a postmaster that we started.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when Wait has returned
}

var errServerGone = errors.New("the server ended")

// attachOrStart ensures that a server with its database runs. The caller holds start.lock.
func (s *Server) attachOrStart(ctx context.Context) error {
	free, err := tryLock(s.serverLock, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	if !free && s.cfg.Shared {
		if err := s.attach(ctx); !errors.Is(err, errServerGone) {
			return err
		}
	} else if !free { // the owner was killed; the server's settings may not be ours
		s.log.WarnContext(ctx, "stopping a server whose owner was killed", "dir", s.cfg.Dir)
		if err := s.halt(ctx); err != nil {
			return err
		}
	}
	// From here on we hold server.lock, so no server of this folder runs. The children inherit this open file and its
	// lock, so we must open another: a lock of ours would look like a running server.
	serverLock := s.serverLock
	defer serverLock.Close()
	if s.serverLock, err = openLock(s.path("server.lock")); err != nil {
		return err
	}
	return s.startNew(ctx, serverLock)
}

// attach waits for a server that another process started. It returns errServerGone if that server ends, or was only an
// initdb whose process was killed; then s.serverLock holds the lock.
func (s *Server) attach(ctx context.Context) error {
	return s.ready(ctx, func() error {
		free, err := tryLock(s.serverLock, syscall.LOCK_EX)
		if err == nil && free {
			err = errServerGone
		}
		return err
	})
}

// startNew starts a server, after making a cluster if there is none.
func (s *Server) startNew(ctx context.Context, serverLock *os.File) error {
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
		err := s.launch(ctx, p, serverLock)
		if err == nil || !s.cfg.Throwaway || ctx.Err() != nil {
			return err
		}
		if err := s.setAside(ctx, err.Error()); err != nil { // without fsync a power cut can ruin test data
			return err
		}
	}
	if err := s.initCluster(ctx, p, serverLock); err != nil {
		return err
	}
	return s.launch(ctx, p, serverLock)
}

// launch starts the postmaster. It chooses another port if a process took the first one meanwhile.
func (s *Server) launch(ctx context.Context, p programs, serverLock *os.File) error {
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		err = s.launchOn(ctx, port, p, serverLock)
		if err == nil || try == portTries || !portTaken(port) {
			return err
		}
	}
}

// portTaken reports whether another process has a port that was free when we chose it.
func portTaken(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		_ = l.Close()
	}
	return errors.Is(err, syscall.EADDRINUSE)
}

func (s *Server) launchOn(ctx context.Context, port int, p programs, serverLock *os.File) error {
	_ = os.Rename(s.path("postgres.log"), s.path("postgres.log.1")) // there is no log before the first start
	log, err := os.OpenFile(s.path("postgres.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// Not ctx: the server outlives this call, and a shared server this process.
	cmd := s.account.command(context.Background(), p.path("postgres"), s.arguments(port)...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{serverLock}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start Postgres %d: %w", p.major, err)
	}
	c := &child{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its log shows how it ended
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
		return fmt.Errorf("start Postgres %d in %s: it ended, and its log ends with: %s", p.major, s.cfg.Dir, s.logTail())
	}
	if err != nil {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-c.exited
		return err
	}
	s.child = c
	return nil
}

// freePort returns a port that is free at this moment.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// logTail returns the last lines of this run's log.
func (s *Server) logTail() string {
	file, err := os.Open(s.path("postgres.log"))
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	const enough = 64 << 10 // for eight lines; the file may be large
	if size, err := file.Seek(0, io.SeekEnd); err == nil && size > enough {
		_, _ = file.Seek(-enough, io.SeekEnd)
	} else {
		_, _ = file.Seek(0, io.SeekStart)
	}
	text, err := io.ReadAll(io.LimitReader(file, enough))
	if err != nil {
		return err.Error()
	}
	return lastLines(text)
}

func lastLines(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
}
