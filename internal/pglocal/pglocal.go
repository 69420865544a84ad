// Package pglocal runs a private Postgres: the one of `backlist dev`, or the one that tests share.
//
// One folder holds everything of one server: its data, its log, its password, and the lock files that show which
// processes use it. All locks are flock locks. The kernel releases them when their holder dies, so a crash leaves
// nothing to clean up by hand:
//
//	data/          the cluster itself; data.new while initdb works
//	start.lock     held while a server is started or stopped
//	users.lock     shared by all processes that use the server, or held by its only owner
//	server.lock    inherited by initdb, the postmaster and all its children: held while one of them runs
//	password       of the role backlist, mode 0600
//	postgres.log   of this run; postgres.log.1 is of the run before
//
// The server listens only on 127.0.0.1, on a port chosen at each start, and requires the password. It has no Unix
// socket, which would need a second folder and limit the length of its path.
package pglocal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// roleName is the name of the only role, a superuser, and of the only database.
const roleName = "backlist"

// Config configures a private server. When Start attaches to a running server, that server keeps the settings of the
// process that started it.
type Config struct {
	Dir            string       // folder of the server, created if missing; "": DefaultDir("", "dev")
	Throwaway      bool         // the data may be lost in a power cut: no fsync, and broken data are replaced
	Shared         bool         // several processes may use it: attach to a running server; the last to leave stops it
	MaxConnections int          // 0: 100
	Repository     string       // Maven repository of the binaries; "": the library's default
	Log            *slog.Logger // nil: no log

	bindirs func(context.Context) []string // tests: folders to search for programs instead of the usual ones
	cache   string                         // tests: folder for downloaded programs instead of cacheDir
}

// Server is one use of a running private Postgres.
type Server struct {
	cfg        Config
	log        *slog.Logger
	account    account
	port       int
	password   string
	usersLock  *os.File // users.lock with our lock
	serverLock *os.File // server.lock, opened early so that Stop works even if the folder was deleted
	child      *child   // nil if another process started the server
	pid        int      // of the postmaster

	stopping sync.Once
	stopErr  error
}

// Start starts the server of cfg.Dir, or attaches to it, and returns when the server accepts connections and has its
// database. Its errors tell the user what to do; errors.As distinguishes *NoPostgresError, *InUseError and
// *VersionError. If ctx ends first, nothing is left running.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if cfg.Dir == "" {
		if cfg.Dir, err = DefaultDir("", "dev"); err != nil {
			return nil, err
		}
	}
	s := &Server{cfg: cfg, log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))}
	if s.account, err = serverAccount(); err != nil {
		return nil, err
	}
	if s.cfg.Dir, err = s.account.makeDir(cfg.Dir); err != nil {
		return nil, err
	}
	startLock, err := lockFile(ctx, s.path("start.lock"), syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("wait for another start or stop in %s: %w", s.cfg.Dir, err)
	}
	defer startLock.Close()
	defer func() { // before start.lock is released, or the next start would find the folder in use
		if err != nil {
			s.release()
		}
	}()
	if err := s.claim(); err != nil {
		return nil, err
	}
	if s.serverLock, err = openLock(s.path("server.lock")); err != nil {
		return nil, err
	}

	began := time.Now()
	if err := s.attachOrStart(ctx); err != nil {
		return nil, err
	}
	level := slog.LevelInfo
	if s.child == nil { // it was already running
		level = slog.LevelDebug
	}
	s.log.Log(ctx, level, "postgres ready", "pid", s.pid, "port", s.port, "dir", s.cfg.Dir,
		"attached", s.child == nil, "took", time.Since(began).Round(time.Millisecond))
	return s, nil
}

// claim locks users.lock: shared, or exclusively.
func (s *Server) claim() (err error) {
	if s.usersLock, err = openLock(s.path("users.lock")); err != nil {
		return err
	}
	how := syscall.LOCK_EX
	if s.cfg.Shared {
		how = syscall.LOCK_SH
	}
	free, err := tryLock(s.usersLock, how)
	if err != nil {
		return err
	}
	if !free {
		return &InUseError{Dir: s.cfg.Dir, PID: s.holder()}
	}
	if s.cfg.Shared {
		return s.usersLock.Truncate(0)
	}
	return overwrite(s.usersLock, strconv.Itoa(os.Getpid()))
}

// holder returns the process to name when the folder is in use: its owner, or the postmaster if it is shared.
func (s *Server) holder() int {
	if text, err := os.ReadFile(s.path("users.lock")); err == nil {
		if pid, err := strconv.Atoi(string(text)); err == nil {
			return pid
		}
	}
	file, _ := readPIDFile(s.path("data"))
	return file.pid
}

// URL returns the URL of database backlist for its superuser. It contains the password, so it must not be logged.
func (s *Server) URL() string { return s.url(roleName) }

func (s *Server) url(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(roleName, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Stop shuts the server down and closes open connections. A shared server keeps running while other processes use it. A
// second call does nothing.
func (s *Server) Stop() error {
	s.stopping.Do(func() { s.stopErr = s.stopIfLast() })
	return s.stopErr
}

// stopIfLast holds start.lock throughout, so that a process that wants to attach waits, and then finds either a server
// that continues or none.
func (s *Server) stopIfLast() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	startLock, err := lockFile(ctx, s.path("start.lock"), syscall.LOCK_EX)
	if err == nil {
		defer startLock.Close()
	} else if !errors.Is(err, fs.ErrNotExist) { // if the folder was deleted, the server must be stopped all the same
		s.release()
		return fmt.Errorf("wait for another start or stop in %s: %w", s.cfg.Dir, err)
	}
	defer s.release() // before start.lock is released, or the next start would find the folder in use
	if last, err := tryLock(s.usersLock, syscall.LOCK_EX); err != nil || !last {
		return err
	}
	return s.halt(ctx)
}

// release closes our lock files, which releases the locks.
func (s *Server) release() {
	for _, f := range []*os.File{s.usersLock, s.serverLock} {
		if f != nil {
			f.Close()
		}
	}
}
