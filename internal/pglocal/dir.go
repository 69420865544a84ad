package pglocal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// sharedRoot is where root keeps files that another user must reach: it exists on every Unix, every user may pass
// through it, and it survives a reboot.
const sharedRoot = "/var/tmp"

// DefaultDir returns the folder of a checkout's server: .backlist/<purpose> in the checkout. For root it is a folder in
// /var/tmp named by a hash of the checkout's path, because the user that runs the server has no access to a checkout
// below a home of mode 0700. An empty checkout means the Go module that contains the working directory, or else that
// directory.
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

// wholePath returns the one absolute path of a checkout, without symbolic links.
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

// rootsOwn makes a folder with a predictable name in a place where every user may write, and refuses one that another
// user made first.
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
		return fmt.Errorf("%s should be a folder that root owns, but is not: check who made it, then remove it", dir)
	}
	return os.Chmod(dir, mode)
}

// path returns the path of a file in the server's folder.
func (s *Server) path(name string) string { return filepath.Join(s.cfg.Dir, name) }
