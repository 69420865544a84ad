// Package pglocal runs a private Postgres: the one behind `backlist dev` and the one that tests share.
//
// One folder holds everything of one server: its data, its log, its password and the lock files that say
// who uses it. All locks are flock locks, which the kernel frees when their holder dies, so that no crash
// leaves anything that the next start would have to be told about:
//
//	data/          the cluster itself; data.new while initdb works
//	start.lock     held while a server is started or stopped
//	users.lock     shared by all who use the server, or held alone by one owner
//	server.lock    inherited by initdb, the postmaster and all its children: held as long as one of them lives
//	password       of the role backlist, mode 0600
//	postgres.log   of the present run; postgres.log.1 is the run before it
//
// The server listens on 127.0.0.1 only, on a port chosen at each start, and asks for the password; it has
// no Unix socket, so that there is no second folder to own and no limit on the length of a path.
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

// The one role, a superuser, and the one database that every server has. Both are named by this.
const roleName = "backlist"

// Config says where a private server lives and what it is for. A server that one attaches to keeps the
// settings of the process that started it.
type Config struct {
	Dir            string       // folder of the server; created. Empty = DefaultDir("", "dev")
	Throwaway      bool         // the data may be lost in a power cut: no fsync, and data that do not start are made anew
	Shared         bool         // several processes may use it at once: attach when one runs, the last one out stops it
	MaxConnections int          // 0 = 100
	Repository     string       // Maven repository of the binaries; "" = the library's default
	Log            *slog.Logger // nil = none

	bindirs func(context.Context) []string // tests: where to look for programs instead of the usual places
	cache   string                         // tests: where downloaded programs are kept instead of cacheDir
}

// Server is one use of a running private Postgres.
type Server struct {
	cfg      Config
	log      *slog.Logger
	account  account
	port     int
	password string
	users    *os.File // carries our lock on users.lock
	living   *os.File // server.lock, opened early so that Stop works even after the folder was deleted
	child    *child   // nil when we attached to another process's server
	pid      int      // of the postmaster

	stopping sync.Once
	stopErr  error
}

// Start starts the server of cfg.Dir, or attaches to it, and returns when it takes connections and has its
// database. Its errors are sentences for the person at the terminal: *NoPostgresError, *InUseError and
// *VersionError can be told apart with errors.As. When ctx ends first, nothing is left running.
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
	starting, err := lockFile(ctx, s.path("start.lock"), syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("wait for another start or stop in %s: %w", s.cfg.Dir, err)
	}
	defer starting.Close()
	defer func() { // before start.lock is free, or the next to start would find the folder in use
		if err != nil {
			s.release()
		}
	}()
	if err := s.claim(); err != nil {
		return nil, err
	}
	if s.living, err = openLock(s.path("server.lock")); err != nil {
		return nil, err
	}

	began := time.Now()
	if err := s.attachOrStart(ctx); err != nil {
		return nil, err
	}
	level := slog.LevelInfo
	if s.child == nil { // it ran before us
		level = slog.LevelDebug
	}
	s.log.Log(ctx, level, "postgres ready", "pid", s.pid, "port", s.port, "dir", s.cfg.Dir,
		"attached", s.child == nil, "took", time.Since(began).Round(time.Millisecond))
	return s, nil
}

// claim takes our place on users.lock: a shared one, or all of it.
func (s *Server) claim() (err error) {
	if s.users, err = openLock(s.path("users.lock")); err != nil {
		return err
	}
	how := syscall.LOCK_EX
	if s.cfg.Shared {
		how = syscall.LOCK_SH
	}
	free, err := tryLock(s.users, how)
	if err != nil {
		return err
	}
	if !free {
		return &InUseError{Dir: s.cfg.Dir, PID: s.holder()}
	}
	if s.cfg.Shared {
		return s.users.Truncate(0)
	}
	return overwrite(s.users, strconv.Itoa(os.Getpid()))
}

// holder is the process to name when the folder is in use: its owner, or the postmaster when it is shared.
func (s *Server) holder() int {
	if text, err := os.ReadFile(s.path("users.lock")); err == nil {
		if pid, err := strconv.Atoi(string(text)); err == nil {
			return pid
		}
	}
	file, _ := readPIDFile(s.path("data"))
	return file.pid
}

// URL connects to database backlist as its superuser. It holds the password: not for logs.
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

// Stop stops the server in order, breaking open connections. Of a shared server it only lets go, unless
// nobody else uses it. A second call does nothing.
func (s *Server) Stop() error {
	s.stopping.Do(func() { s.stopErr = s.stopIfLast() })
	return s.stopErr
}

// stopIfLast holds start.lock throughout: whoever wants to attach meanwhile waits, and then finds either a
// server that goes on or none at all.
func (s *Server) stopIfLast() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	starting, err := lockFile(ctx, s.path("start.lock"), syscall.LOCK_EX)
	if err == nil {
		defer starting.Close()
	} else if !errors.Is(err, fs.ErrNotExist) { // the folder is gone: the server in it is ours to end all the same
		s.release()
		return fmt.Errorf("wait for another start or stop in %s: %w", s.cfg.Dir, err)
	}
	defer s.release() // before start.lock is free, or the next to start would find the folder in use
	if last, err := tryLock(s.users, syscall.LOCK_EX); err != nil || !last {
		return err
	}
	return s.halt(ctx)
}

// release closes our lock files, which frees the locks.
func (s *Server) release() {
	for _, f := range []*os.File{s.users, s.living} {
		if f != nil {
			f.Close()
		}
	}
}
