package pglocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that runs the server programs. Postgres refuses to run as root, so root runs them as an
// unprivileged user. Other users run them as themselves; then credential is nil.
type account struct {
	name       string
	credential *syscall.Credential
}

func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseInt(u.Uid, 10, 64) // 64 bits: on macOS, user nobody is -2
		if err != nil || uid == 0 {
			continue
		}
		gid, err := strconv.ParseInt(u.Gid, 10, 64)
		if err != nil {
			continue
		}
		return account{name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, errors.New("root cannot run Postgres, and this machine has neither a user postgres nor a user nobody to run it: add one (useradd --system postgres), or run this as a normal user")
}

// command runs a program as the account, in its own session: the terminal's Ctrl-C reaches only this process, which
// stops the server after everything that uses it. Cancelling ctx kills the program's process group.
func (a account) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/" // the account may not have access to our working directory
	cmd.Env = environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: a.credential}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// environ is our environment without the variables that change Postgres's behaviour or the language of its messages.
func environ() []string {
	env := []string{"LC_ALL=C"}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "PG") && !strings.HasPrefix(pair, "LC_") &&
			!strings.HasPrefix(pair, "LANG") && !strings.HasPrefix(pair, "TZ=") {
			env = append(env, pair)
		}
	}
	return env
}

// makeDir makes the server's folder and returns its absolute path. The folder belongs to us. If we are root, the
// account may pass through it to its data, but can change nothing else in it.
func (a account) makeDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	mode := os.FileMode(0o700)
	if a.credential != nil {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	if a.credential == nil {
		return dir, nil
	}
	if err := os.Chmod(dir, mode); err != nil {
		return "", fmt.Errorf("open the data folder to %s: %w", a.name, err)
	}
	if err := a.command(context.Background(), "/bin/sh", "-c", `cd -- "$1"`, "sh", dir).Run(); err != nil {
		return "", fmt.Errorf("user %s, which runs Postgres because root cannot, has no access to %s: choose a data folder that every user may pass through, such as one below /var/tmp", a.name, dir)
	}
	return dir, nil
}

// own makes the account the owner of a path.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(path, int(a.credential.Uid), int(a.credential.Gid))
}
