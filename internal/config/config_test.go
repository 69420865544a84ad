package config_test

import (
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/config"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestAllProblemsAreReported(t *testing.T) {
	t.Parallel()
	_, err := config.FromEnv(env(map[string]string{
		"PORT": "http", "SECRET_KEY": "short", "SMTP_URL": "user:hunter2hunter2@host", "LOG_FORMAT": "xml", "LAB": "maybe",
		"WORKER_CONCURRENCY": "0", "WEB_MAX": "0", "WORKERS_MAX": "many", "DATABASE_URL": "mysql://u:hunter2hunter2@h/d",
	}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{
		"PORT", "SECRET_KEY", "SMTP_URL", "LOG_FORMAT", "LAB must be off or on, not \"maybe\"", "WORKER_CONCURRENCY", "DATABASE_URL",
		"WEB_MAX must be a number from 1 to 1000, not \"0\"", "WORKERS_MAX must be a number from 1 to 1000, not \"many\"",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not reported in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password is repeated in:\n%v", err)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.FromEnv(env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != 5000 || c.WorkerConcurrency != 10 || c.LogFormat != "logfmt" || c.WebMax != 1 || c.WorkersMax != 2 || c.OnHeroku {
		t.Errorf("%+v", c)
	}
}

// TestTLS: a remote server gets sslmode=require, as Heroku's requires, a local one does not, and an explicit sslmode
// stays.
func TestTLS(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://u:p@db.example.com:5432/d":                "postgres://u:p@db.example.com:5432/d?sslmode=require",
		"postgres://u:p@db.example.com/d?sslmode=verify-full": "postgres://u:p@db.example.com/d?sslmode=verify-full",
		"postgres://u:p@db.example.com/d?connect_timeout=5":   "postgres://u:p@db.example.com/d?connect_timeout=5&sslmode=require",
		"postgres://u@localhost/d":                            "postgres://u@localhost/d",
		"postgres://u@127.0.0.1:5433/d":                       "postgres://u@127.0.0.1:5433/d",
		"postgres://u@[::1]/d":                                "postgres://u@[::1]/d",
	} {
		c, err := config.FromEnv(env(map[string]string{"DATABASE_URL": url}))
		if err != nil || c.DatabaseURL != want {
			t.Errorf("%s became %s (%v), want %s", url, c.DatabaseURL, err, want)
		}
	}
}

func TestPrintMasksSecrets(t *testing.T) {
	t.Parallel()
	c, err := config.FromEnv(env(map[string]string{
		"DATABASE_URL": "postgres://u:hunter2hunter2@db.example.com/d?password=hunter2hunter2",
		"SECRET_KEY":   "hunter2hunter2hunter2", "SMTP_URL": "smtp://me:hunter2hunter2@mail.example.com:587",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is printed:\n%s", out.String())
	}
	for _, shown := range []string{"db.example.com", "mail.example.com:587", "(set)"} {
		if !strings.Contains(out.String(), shown) {
			t.Errorf("%q is not in:\n%s", shown, out.String())
		}
	}
}

// TestPrintMasksTokens: some mail services have one token for user and password.
func TestPrintMasksTokens(t *testing.T) {
	t.Parallel()
	c, err := config.FromEnv(env(map[string]string{"SMTP_URL": "smtp://hunter2-token:hunter2-token@mail.example.com:587?password=hunter2"}))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "mail.example.com:587") {
		t.Errorf("printed:\n%s", out.String())
	}
}
