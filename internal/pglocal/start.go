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
	"strings"
	"syscall"
)

// portTries is how often we look for a port: another process can take a free one before Postgres does.
const portTries = 5

// child is a postmaster that we started.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has been waited for
}

var errServerGone = errors.New("the server went away")

// attachOrStart leaves a server running that has its database. The caller holds start.lock.
func (s *Server) attachOrStart(ctx context.Context) error {
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

// launch starts the postmaster, on another port when the chosen one was taken meanwhile.
func (s *Server) launch(ctx context.Context, p programs, living *os.File) error {
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		err = s.launchOn(ctx, port, p, living)
		if err == nil || try == portTries || !portTaken(err) {
			return err
		}
	}
}

// portTaken tells whether the server's last words were about its port.
func portTaken(err error) bool {
	return strings.Contains(err.Error(), "could not create any TCP/IP sockets")
}

func (s *Server) launchOn(ctx context.Context, port int, p programs, living *os.File) error {
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
		return fmt.Errorf("starting Postgres %d in %s failed, its log ends with: %s", p.major, s.cfg.Dir, s.logTail())
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

// logTail is the end of the present run's log.
func (s *Server) logTail() string {
	file, err := os.Open(s.path("postgres.log"))
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	const enough = 64 << 10 // for eight lines; the file may be as large as the disk
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
