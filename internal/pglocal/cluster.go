package pglocal

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clusterMajor returns the major version that made the cluster, or 0 if there is no cluster. No Postgres can start a
// folder without PG_VERSION or pg_control: such a folder is set aside.
func (s *Server) clusterMajor(ctx context.Context) (int, error) {
	data := s.path("data")
	if _, err := os.Lstat(data); os.IsNotExist(err) {
		return 0, nil
	}
	text, versionErr := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	major, parseErr := strconv.Atoi(strings.TrimSpace(string(text)))
	control, controlErr := os.Stat(filepath.Join(data, "global", "pg_control"))
	if versionErr == nil && parseErr == nil && controlErr == nil && control.Size() > 0 {
		return major, nil
	}
	return 0, s.setAside(ctx, "it lacks the files that every cluster has")
}

// setAside renames a broken cluster, or removes it if its data are throwaway.
func (s *Server) setAside(ctx context.Context, why string) error {
	data := s.path("data")
	if s.cfg.Throwaway {
		s.log.WarnContext(ctx, "recreating test data", "dir", data, "why", why)
		return os.RemoveAll(data)
	}
	aside := data + ".broken-" + time.Now().UTC().Format("20060102T150405.000")
	s.log.WarnContext(ctx, "set broken data aside", "dir", data, "to", aside, "why", why)
	return os.Rename(data, aside)
}

// initCluster makes a cluster in data.new and renames it when it is complete. initdb inherits serverLock, so that if we
// are killed the next start waits for initdb to end.
func (s *Server) initCluster(ctx context.Context, p programs, serverLock *os.File) error {
	if err := s.makePassword(); err != nil {
		return err
	}
	out, err := s.initdb(ctx, p, serverLock, "C.UTF-8")
	if err != nil && bytes.Contains(out, []byte("invalid locale")) {
		out, err = s.initdb(ctx, p, serverLock, "C") // for a C library without C.UTF-8: the same order, but ASCII case rules
	}
	if err != nil {
		return fmt.Errorf("initdb of Postgres %d: %w, its output ends with: %s", p.major, err, lastLines(out))
	}
	return os.Rename(s.path("data.new"), s.path("data"))
}

func (s *Server) initdb(ctx context.Context, p programs, serverLock *os.File, locale string) ([]byte, error) {
	fresh := s.path("data.new")
	if err := os.RemoveAll(fresh); err != nil {
		return nil, err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return nil, err
	}
	if err := s.account.own(fresh); err != nil {
		return nil, err
	}
	args := []string{
		"--pgdata=" + fresh, "--username=" + roleName, "--pwfile=" + s.path("password"),
		"--encoding=UTF8", "--locale=" + locale, "--no-instructions",
	}
	if s.cfg.Throwaway {
		// Tests connect thousands of times, and a client's part of SCRAM takes 15 ms of CPU with the race detector. The password
		// is sent over the loopback interface only.
		args = append(args, "--no-sync", "--auth=password")
	} else {
		args = append(args, "--auth=scram-sha-256")
	}
	cmd := s.account.command(ctx, p.path("initdb"), args...)
	cmd.ExtraFiles = []*os.File{serverLock}
	return cmd.CombinedOutput()
}

// makePassword writes a new password for a new cluster. The account owns the file, because initdb reads it.
func (s *Server) makePassword() error {
	fresh := s.path("password.new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.WriteFile(fresh, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return err
	}
	if err := s.account.own(fresh); err != nil {
		return err
	}
	return os.Rename(fresh, s.path("password"))
}

func (s *Server) readPassword() error {
	text, err := os.ReadFile(s.path("password"))
	if err != nil {
		return fmt.Errorf("the password file of the data in %s is missing: put it back, or move the folder away to start with new data: %w", s.cfg.Dir, err)
	}
	s.password = strings.TrimSpace(string(text))
	return nil
}
