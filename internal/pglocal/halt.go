package pglocal

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// fastLimit is how long a fast shutdown may take before halt asks for an immediate one.
const fastLimit = 20 * time.Second

// halt stops the server, if one runs, and waits until its last process has ended; then s.serverLock holds the lock.
func (s *Server) halt(ctx context.Context) error {
	if free, err := tryLock(s.serverLock, syscall.LOCK_EX); err != nil || free {
		return err
	}
	signal := syscall.SIGINT // fast shutdown
	timeout := time.After(fastLimit)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	signalled := 0
	for {
		pid := s.pid
		if file, err := readPIDFile(s.path("data")); err == nil {
			pid = file.pid
		}
		if pid != 0 && pid != signalled {
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop Postgres, process %d: %w", pid, err)
			}
			signalled = pid
		}
		if free, err := tryLock(s.serverLock, syscall.LOCK_EX); err != nil {
			return err
		} else if free {
			break
		}
		select {
		case <-tick.C:
		case <-timeout:
			signal, signalled = syscall.SIGQUIT, 0 // immediate: the next start recovers from the log
		case <-ctx.Done():
			return fmt.Errorf("the Postgres in %s (process %d) did not stop: %w", s.cfg.Dir, pid, ctx.Err())
		}
	}
	if s.child != nil {
		<-s.child.exited
	}
	return nil
}
