package pglocal

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// jarPath matches the path of a release's archive in a Maven repository.
var jarPath = regexp.MustCompile(`^/io/zonky/test/postgres/(embedded-postgres-binaries-[a-z0-9-]+)/(\d+\.\d+\.\d+)/([a-z0-9.-]+)\.jar$`)

// makeJar packs this machine's own server as the repository does: a zip with a tar.xz inside. A moved server looks for
// its modules in the lib folder beside bin, and finds its share folder by the absolute path that it was built with.
func makeJar(t *testing.T) []byte {
	t.Helper()
	for _, tool := range []string{"tar", "xz"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s to pack an archive: install it (apt install xz-utils tar)", tool)
		}
	}
	found := (account{}).servers(t.Context(), usualDirs(t.Context()))
	if len(found) == 0 {
		t.Skip("needs an installed Postgres server, to make an archive of it")
	}
	root, bin := filepath.Dir(found[0].dir), filepath.Base(found[0].dir)
	files := []string{filepath.Join(bin, "initdb"), filepath.Join(bin, "pg_ctl"), filepath.Join(bin, "postgres")}
	for _, module := range []string{"dict_snowball", "plpgsql"} { // initdb loads these
		found, _ := filepath.Glob(filepath.Join(root, "lib", module+".*"))
		for _, path := range found {
			files = append(files, filepath.Join("lib", filepath.Base(path)))
		}
	}
	archive := filepath.Join(t.TempDir(), "postgres.txz")
	pack := append([]string{"-C", root, "-cf", archive, "-I", "xz -0", "--dereference"}, files...)
	if out, err := exec.CommandContext(t.Context(), "tar", pack...).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "postgres-test.txz", Method: zip.Store})
	if err == nil {
		_, err = f.Write(content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}

// repository is a local Maven repository.
type repository struct {
	jar      []byte
	checksum string
	requests atomic.Int32
}

func (m *repository) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.requests.Add(1)
	path, wantsSum := strings.CutSuffix(r.URL.Path, ".sha256")
	match := jarPath.FindStringSubmatch(path)
	switch {
	case match == nil || match[3] != match[1]+"-"+match[2]:
		http.NotFound(w, r)
	case wantsSum:
		_, _ = w.Write([]byte(m.checksum))
	default:
		_, _ = w.Write(m.jar)
	}
}

func newRepository(t *testing.T, jar []byte) (*repository, string) {
	t.Helper()
	sum := sha256.Sum256(jar)
	m := &repository{jar: jar, checksum: hex.EncodeToString(sum[:])}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return m, server.URL
}

// bareConfig returns the config of a machine without any Postgres.
func bareConfig(t *testing.T, repository, cache string) Config {
	cfg := testConfig(t)
	cfg.Repository, cfg.cache = repository, cache
	cfg.bindirs = func(context.Context) []string { return nil }
	return cfg
}

func TestDownload(t *testing.T) {
	t.Parallel()
	jar := makeJar(t)
	t.Run("once", func(t *testing.T) { t.Parallel(); downloadOnce(t, jar) })
	t.Run("two at once", func(t *testing.T) { t.Parallel(); downloadTwoAtOnce(t, jar) })
	t.Run("fails", func(t *testing.T) { t.Parallel(); downloadFails(t, jar) })
}

func downloadOnce(t *testing.T, jar []byte) {
	m, url := newRepository(t, jar)
	cache := folder(t)

	s := start(t, bareConfig(t, url, cache))
	ask(t, s, "select 'up' from pg_class limit 1")
	if command, err := os.ReadFile(filepath.Join(s.cfg.Dir, "data", "postmaster.opts")); err != nil || !strings.HasPrefix(string(command), cache) {
		t.Errorf("runs %s (%v), want the program below %s", command, err, cache)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*")); len(left) != 2 { // the release and the lock
		t.Errorf("the cache holds %v", left)
	}

	before := m.requests.Load()
	if before == 0 {
		t.Fatal("nothing was downloaded")
	}
	start(t, bareConfig(t, url, cache))
	if after := m.requests.Load(); after != before {
		t.Errorf("the second start asked the repository %d times", after-before)
	}
}

// Two checkouts may start at the same time with the same empty cache.
func downloadTwoAtOnce(t *testing.T, jar []byte) {
	m, url := newRepository(t, jar)
	cache := folder(t)
	one, other := bareConfig(t, url, cache), bareConfig(t, url, cache)
	ended := make(chan error, 2)
	for _, cfg := range []Config{one, other} {
		go func() { ended <- useOnce(t.Context(), cfg) }()
	}
	if err := errors.Join(<-ended, <-ended); err != nil {
		t.Error(err)
	}
	if n := m.requests.Load(); n != 2 { // the archive and its checksum
		t.Errorf("%d requests, want 2", n)
	}
}

// A failed download is reported in one sentence and leaves nothing that could break the next one.
func downloadFails(t *testing.T, jar []byte) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	cut, cutURL := newRepository(t, jar[:len(jar)/2])
	cut.checksum = ""
	wrong, wrongURL := newRepository(t, jar)
	wrong.checksum = strings.Repeat("0", 64)
	bad := bytes.Clone(jar)
	for i := len(bad) / 2; i < len(bad)/2+1000; i++ { // in the middle of the compressed programs
		bad[i] ^= 0xff
	}
	_, badURL := newRepository(t, bad)
	_, goodURL := newRepository(t, jar)

	for name, url := range map[string]string{
		"refused":  "http://" + closed.Addr().String(),
		"missing":  goodURL + "/elsewhere",
		"cut off":  cutURL,
		"checksum": wrongURL,
		"damaged":  badURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := folder(t)
			_, err := Start(t.Context(), bareConfig(t, url, cache))
			if _, ok := errors.AsType[*NoPostgresError](err); !ok {
				t.Fatalf("start = %v, want a NoPostgresError", err)
			}
			if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, "apt install postgresql") {
				t.Errorf("want one sentence that tells what to install: %s", text)
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "[0-9p]*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if name == "damaged" { // the failure that comes latest
				start(t, bareConfig(t, goodURL, cache))
			}
		})
	}
}

func TestDownloadCancelled(t *testing.T) {
	t.Parallel()
	asked, over := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-over
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := Start(ctx, bareConfig(t, server.URL, folder(t))); !errors.Is(err, context.Canceled) {
		t.Errorf("start = %v, want the cancellation", err)
	}
}

func TestOpenToAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, text := filepath.Join(dir, "bin", "program"), filepath.Join(dir, "bin", "text")
	if err := os.Mkdir(filepath.Dir(program), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{program: 0o700, text: 0o600} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := openToAll(dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{filepath.Dir(program): 0o755, program: 0o755, text: 0o644} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
}
