package pglocal

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Root's `go run` and `go test` happen in a checkout below a home that no other user may enter.
func TestDefaultDirBelowPrivateHome(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	checkout := filepath.Join(home, "src", "backlist")
	if err := os.MkdirAll(checkout, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(checkout, filepath.Join(home, "link")); err != nil {
		t.Fatal(err)
	}
	dir, err := DefaultDir(checkout, "test")
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Cleanup(func() { os.RemoveAll(filepath.Dir(dir)) })
	} else if want := filepath.Join(checkout, ".backlist", "test"); !sameBelowLinks(dir, want) {
		t.Errorf("dir = %s, want %s", dir, want)
	}
	if again, err := DefaultDir(filepath.Join(home, "link"), "test"); err != nil || again != dir {
		t.Errorf("through a link: %s, %v; want %s", again, err, dir)
	}
	if other, err := DefaultDir(home, "test"); err != nil || other == dir {
		t.Errorf("another checkout: %s, %v", other, err)
	} else if os.Geteuid() == 0 {
		os.Remove(filepath.Dir(other))
	}
	cfg := testConfig(t)
	cfg.Dir = dir
	if s := start(t, cfg); ask(t, s, "select 'up'") != "up" {
		t.Error("no answer")
	}
}

// sameBelowLinks compares paths whose folders may not exist yet: t.TempDir may be below a symbolic link.
func sameBelowLinks(a, b string) bool {
	home, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(b)))
	return err == nil && a == filepath.Join(home, filepath.Base(filepath.Dir(b)), filepath.Base(b))
}

func TestDirModes(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	start(t, cfg)
	for name, want := range map[string]os.FileMode{"password": 0o600, "data": 0o700, "postgres.log": 0o600} {
		info, err := os.Stat(filepath.Join(cfg.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestRootDataOutOfReach(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, which runs the server as another user")
	}
	home := filepath.Join(folder(t), "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{Dir: filepath.Join(home, "pg")})
	if err == nil || !strings.Contains(err.Error(), "has no access to "+home) {
		t.Errorf("start = %v, want an error that tells what to do", err)
	}
}

func TestForeignSharedFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made-by-another")
	if err := os.Symlink("/etc", dir); err != nil {
		t.Fatal(err)
	}
	if err := rootsOwn(dir, 0o755); err == nil {
		t.Error("accepted a symbolic link as root's folder")
	}
}

// As root, run the tests again as a normal user.
func TestAsNormalUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	base := filepath.Dir(folder(t))
	// go test keeps the binary below a folder that only root may enter. If this process wrote the copy, a parallel test
	// might fork meanwhile and keep it open for writing, and it would not run: "text file busy".
	copied := filepath.Join(base, "pglocal.test")
	if out, err := exec.CommandContext(t.Context(), "cp", os.Args[0], copied).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	if err := os.Chmod(copied, 0o755); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(base, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), copied, "-test.v", "-test.run",
		"^(TestStartStopStart|TestStartAfterKilledPostmaster|TestStartAfterKilledOwner|TestDefaultDirBelowPrivateHome|TestDirModes)$")
	cmd.Dir = home
	cmd.Env = append(environ(), "HOME="+home, "TMPDIR="+home, "XDG_CACHE_HOME=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("as uid %d: %v\n%s", nobody, err, out)
	}
	if passed := strings.Count(string(out), "\n--- PASS: "); passed != 5 {
		t.Errorf("%d tests passed, want 5:\n%s", passed, out)
	}
}

func TestOtherMajorVersion(t *testing.T) {
	t.Parallel()
	cfg := usedConfig(t)
	if err := start(t, cfg).Stop(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(cfg.Dir, "data")
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), cfg)
	other, ok := errors.AsType[*VersionError](err)
	if !ok || other.Data != 12 || len(other.Have) == 0 || !strings.Contains(err.Error(), data) {
		t.Errorf("start = %v, want an error that tells what to do about version 12", err)
	}
	if _, err := os.Stat(filepath.Join(data, "base")); err != nil {
		t.Errorf("the data were removed: %v", err)
	}
}
