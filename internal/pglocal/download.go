package pglocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// downloadable are the releases that the library can fetch, by major version.
var downloadable = map[int]embeddedpostgres.PostgresVersion{
	15: embeddedpostgres.V15,
	16: embeddedpostgres.V16,
	17: embeddedpostgres.V17,
	18: embeddedpostgres.V18,
}

// newestDownload is the version for a machine without any Postgres.
const newestDownload = 18

// cacheDir returns the folder for downloaded programs, which has a folder per release. All checkouts share it.
func (s *Server) cacheDir() (string, error) {
	if s.cfg.cache != "" {
		return s.cfg.cache, nil
	}
	if s.account.credential != nil { // the account has no access to root's cache
		dir := filepath.Join(sharedRoot, "backlist-postgres")
		return dir, rootsOwn(dir, 0o755)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	return filepath.Join(dir, "backlist", "postgres"), nil
}

// download fetches a release and renames it into place when it is complete, so that an interrupted download is never
// used.
func (s *Server) download(ctx context.Context, cache string, major int) (programs, error) {
	if major == 0 {
		major = newestDownload
	}
	version, ok := downloadable[major]
	if !ok {
		return programs{}, fmt.Errorf("there is no download of version %d", major)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return programs{}, err
	}
	lock, err := lockFile(ctx, filepath.Join(cache, "download.lock"), syscall.LOCK_EX)
	if err != nil {
		return programs{}, err
	}
	fetching := false
	defer func() {
		if !fetching {
			lock.Close()
		}
	}()
	place := filepath.Join(cache, string(version))
	if found := s.account.servers(ctx, []string{filepath.Join(place, "bin")}); len(found) == 1 {
		return found[0], nil // another process fetched it while we waited
	}

	s.log.InfoContext(ctx, "downloading postgres", "version", string(version))
	work := filepath.Join(cache, "partial")
	if err := os.RemoveAll(work); err != nil {
		return programs{}, err
	}
	done := make(chan error, 1)
	go func() { done <- fetch(work, version, major, s.cfg.Repository) }()
	select {
	case err = <-done:
	case <-ctx.Done(): // the library cannot be cancelled: keep the lock until it or the process ends
		fetching = true
		go func() {
			<-done
			os.RemoveAll(work)
			lock.Close()
		}()
		return programs{}, ctx.Err()
	}
	defer os.RemoveAll(work)
	if err != nil {
		return programs{}, err
	}
	if err := os.RemoveAll(place); err != nil {
		return programs{}, err
	}
	if err := os.Rename(filepath.Join(work, "programs"), place); err != nil {
		return programs{}, err
	}
	found := s.account.servers(ctx, []string{filepath.Join(place, "bin")})
	if len(found) == 0 {
		return programs{}, fmt.Errorf("the downloaded programs in %s do not run on this machine", place)
	}
	return found[0], nil
}

// fetch puts the programs of a release into work/programs.
//
// The library downloads only as the first step of its own Start, which then runs initdb and pg_ctl as the current user.
// Root cannot run them, and we do that part ourselves. A data folder with PG_VERSION makes Start skip initdb and fail
// at pg_ctl. If the folder runtime exists afterwards, the download succeeded: Start removes it first and makes it again
// when the archive is unpacked.
func fetch(work string, version embeddedpostgres.PostgresVersion, major int, repository string) error {
	data, runtime, files := filepath.Join(work, "data"), filepath.Join(work, "runtime"), filepath.Join(work, "programs")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(strconv.Itoa(major)+"\n"), 0o600); err != nil {
		return err
	}
	cfg := embeddedpostgres.DefaultConfig().Version(version).Port(0).Logger(io.Discard).
		CachePath(filepath.Join(work, "archive")).BinariesPath(files).RuntimePath(runtime).DataPath(data)
	if repository != "" {
		cfg = cfg.BinaryRepositoryURL(repository)
	}
	server := embeddedpostgres.NewDatabase(cfg)
	err := server.Start()
	if err == nil { // the data folder is empty, so this cannot happen
		return errors.Join(errors.New("the library started a server from an empty folder"), server.Stop())
	}
	if _, missing := os.Stat(runtime); missing != nil {
		return err
	}
	return openToAll(files)
}

// openToAll lets every user read the files and run the programs, independently of our umask.
func openToAll(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type() == fs.ModeSymlink {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if entry.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode&^0o022)
	})
}
