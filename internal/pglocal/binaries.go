package pglocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// oldestMajor is the oldest Postgres that Backlist runs on.
const oldestMajor = 15

// packageDirs are the folders in which packages install programs that are not on the PATH.
var packageDirs = []string{
	"/usr/lib/postgresql/*/bin",                       // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                // the Postgres project's packages for Fedora and Red Hat
	"/usr/lib/postgresql*/bin",                        // SUSE
	"/usr/libexec/postgresql*",                        // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",              // Homebrew, Apple silicon
	"/usr/local/opt/postgresql@*/bin",                 // Homebrew, Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin", // Homebrew, Linux
	"/opt/local/lib/postgresql*/bin",                  // MacPorts
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/Library/PostgreSQL/*/bin", // EDB's installer
	"/usr/local/pgsql/bin",      // built from source
}

// usualDirs lists the folders that may hold Postgres programs, the likeliest first.
func usualDirs(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	dirs = append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
	for _, pattern := range packageDirs {
		found, _ := filepath.Glob(pattern) // fails only on a bad pattern, and these are constants
		dirs = append(dirs, found...)
	}
	return dirs
}

// programs is one installed Postgres server.
type programs struct {
	dir   string
	major int
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

// findPrograms picks the newest server programs that the account can run: of the major version that made the data, if
// there are data, else of any supported version. It prefers installed programs to downloaded ones.
func (s *Server) findPrograms(ctx context.Context, major int) (programs, error) {
	cache, err := s.cacheDir()
	if err != nil {
		return programs{}, err
	}
	downloaded, _ := filepath.Glob(filepath.Join(cache, "*", "bin"))
	search := s.cfg.bindirs
	if search == nil {
		search = usualDirs
	}
	found := s.account.servers(ctx, append(search(ctx), downloaded...))
	var have []int
	for _, p := range found {
		if p.major == major || major == 0 {
			return p, nil
		}
		have = append(have, p.major)
	}
	if len(have) > 0 {
		return programs{}, &VersionError{Dir: s.path("data"), Data: major, Have: have}
	}
	p, err := s.download(ctx, cache, major)
	if err != nil {
		return programs{}, &NoPostgresError{Major: major, Cause: err}
	}
	return p, nil
}

// servers returns the usable servers in dirs, the newest first.
func (a account) servers(ctx context.Context, dirs []string) []programs {
	var found []programs
	seen := map[string]bool{}
	for _, dir := range dirs {
		// initdb looks for postgres in its own folder, and for the share folder near it, after resolving links.
		initdb, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb"))
		if err != nil || seen[filepath.Dir(initdb)] {
			continue
		}
		dir = filepath.Dir(initdb)
		seen[dir] = true
		if a.versionOf(ctx, initdb) == 0 {
			continue
		}
		if major := a.versionOf(ctx, filepath.Join(dir, "postgres")); major >= oldestMajor {
			found = append(found, programs{dir, major})
		}
	}
	slices.SortStableFunc(found, func(a, b programs) int { return b.major - a.major })
	return found
}

// busyTries is how often a program that is still open for writing is retried.
const busyTries = 200

var versionLine = regexp.MustCompile(`^\w+ \(PostgreSQL\) (\d+)`)

// versionOf returns the major version that a program reports, or 0 if it is missing or the account cannot run it.
func (a account) versionOf(ctx context.Context, program string) int {
	out, err := a.command(ctx, program, "--version").Output()
	// The program was just written, and a child that was forked meanwhile still has it open for a moment.
	for try := 0; errors.Is(err, syscall.ETXTBSY) && try < busyTries; try++ {
		time.Sleep(pollEvery)
		out, err = a.command(ctx, program, "--version").Output()
	}
	if err != nil {
		return 0
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(match[1]))
	return major
}

// Find finds a client program of Postgres, such as psql: the one on the PATH, or else the newest in the usual folders.
func Find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return findIn(name, usualDirs(context.Background()))
}

func findIn(name string, dirs []string) (best string, err error) {
	newest := 0
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if major := (account{}).versionOf(context.Background(), path); major > newest {
			best, newest = path, major
		}
	}
	if best == "" {
		return "", fmt.Errorf("found no %s on this machine: install the Postgres client (Debian, Ubuntu: apt install postgresql-client; Fedora: dnf install postgresql; macOS: brew install libpq)", name)
	}
	return best, nil
}
