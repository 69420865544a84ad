package pglocal

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// fastLimit is how long a fast shutdown may take before it becomes an immediate one.
const fastLimit = 20 * time.Second

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
			return fmt.Errorf("the Postgres in %s (process %d) does not stop: %w", s.cfg.Dir, pid, ctx.Err())
		}
	}
	if s.child != nil {
		<-s.child.exited
	}
	return nil
}
