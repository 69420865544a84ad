package pglocal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// sharedRoot is where root keeps what another user must reach: it is there on every Unix, everybody may
// pass through it, and it outlives a reboot.
const sharedRoot = "/var/tmp"

// DefaultDir is the folder of a checkout's server: .backlist/<purpose> in the checkout. For root it is a
// folder in /var/tmp named by a hash of the checkout's path, because the user who runs the server must
// reach it and a checkout below a home of mode 0700 is out of his reach. An empty checkout is the Go
// module around the working directory, or else that directory itself.
func DefaultDir(checkout, purpose string) (string, error) {
	checkout, err := wholePath(checkout)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	if os.Geteuid() != 0 {
		return filepath.Join(checkout, ".backlist", purpose), nil
	}
	sum := sha256.Sum256([]byte(checkout))
	dir := filepath.Join(sharedRoot, "backlist-"+hex.EncodeToString(sum[:6]))
	if err := rootsOwn(dir, 0o711); err != nil {
		return "", err
	}
	return filepath.Join(dir, purpose), nil
}

// wholePath makes one name of all the names that a checkout can be reached by.
func wholePath(checkout string) (string, error) {
	if checkout == "" {
		return moduleRoot()
	}
	path, err := filepath.Abs(checkout)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

func moduleRoot() (string, error) {
	start, err := wholePath(".")
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return start, nil
		}
	}
}

// rootsOwn makes a folder with a foreseeable name in a place where everybody may write, and refuses one
// that somebody else was quicker to make.
func rootsOwn(dir string, mode os.FileMode) error {
	if err := os.Mkdir(dir, mode); err != nil && !os.IsExist(err) {
		return fmt.Errorf("make folder for Postgres: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("make folder for Postgres: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || owner.Uid != 0 {
		return fmt.Errorf("%s should be a folder of root's but is not: look at who made it, then remove it", dir)
	}
	return os.Chmod(dir, mode)
}

// path names a file in the server's folder.
func (s *Server) path(name string) string { return filepath.Join(s.cfg.Dir, name) }
