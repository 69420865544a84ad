package app

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// checkBanner checks dev's output: it has one line for each step and no log lines, names the log file, and quotes links that
// the site has.
func checkBanner(t *testing.T, dev *process, data string) {
	t.Helper()
	out := dev.output()
	started, banner, ok := strings.Cut(out, "Backlist is running.")
	if !ok || strings.Contains(out, "level=") {
		t.Errorf("no banner, or logs beside it:\n%s", out)
	}
	step := regexp.MustCompile(`^(Starting|Preparing|Loading|Inventing) [a-zA-Z ]+ … +\S.* \(\d+\.\d s\)$`)
	lines := strings.Split(strings.TrimSpace(started), "\n")
	for _, line := range lines {
		if !step.MatchString(line) {
			t.Errorf("unexpected line of a step: %q", line)
		}
	}
	if len(lines) != 8 {
		t.Errorf("%d steps:\n%s", len(lines), started)
	}
	file := filepath.Join(data, "dev.log")
	if log, err := os.ReadFile(file); err != nil || !strings.Contains(string(log), "worker is ready") || !strings.Contains(banner, file) {
		t.Errorf("the banner names no log file, or that has no logs: %v\n%s", err, banner)
	}

	if console := "/console (sign in as "; !strings.Contains(banner, dev.URL+console) {
		t.Errorf("the banner does not say how to reach the console:\n%s", banner)
	}
	email := regexp.MustCompile(`sign in as (\S+)`).FindStringSubmatch(banner)
	if email == nil {
		t.Fatalf("no reader to sign in as:\n%s", banner)
	}
	reader := newCaller(dev.URL)
	pages := reader.must(t, http.StatusOK, "/", nil).body // the visitors' menu
	reader.must(t, http.StatusSeeOther, "/signin", fields("email", email[1], "password", demoPassword))
	pages += reader.must(t, http.StatusOK, "/", nil).body
	if !strings.Contains(pages, `<a href="/console">`) {
		t.Error("the invented reader's menu does not lead to the console")
	}
	_, try, _ := strings.Cut(banner, "Try: ")
	names := regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(try, -1)
	if len(names) != 3 {
		t.Errorf("the banner names %q", names)
	}
	for _, name := range names {
		link := regexp.MustCompile(`<a[^>]*>\s*` + name[1] + `\s*<`)
		if !link.MatchString(pages) {
			t.Errorf("the site's menu has no %q", name[1])
		}
	}
}

// TestDevThatCannotStart: dev prints why it cannot start, and where its log is.
func TestDevThatCannotStart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	env := map[string]string{"DATABASE_URL": "postgres://odo:s3cr3t-pass@127.0.0.1:1/none", "PORT": "0"}
	stdout, stderr, err := inProcess(t, env, "dev", "--data", data)
	if err == nil || !strings.HasSuffix(err.Error(), "\nThe log is in "+filepath.Join(data, "dev.log")) || strings.Contains(err.Error()+stdout+stderr, "s3cr3t") {
		t.Errorf("%v", err)
	}
	if !strings.HasPrefix(stdout, "Connecting to Postgres …") || strings.Count(stdout, "\n") != 1 || stderr != "" {
		t.Errorf("dev prints %q and %q", stdout, stderr)
	}
}
