package config

import (
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
)

// Print writes every setting with its environment variable; secrets are masked.
func (c Config) Print(w io.Writer) error {
	rows := []struct {
		name  string
		value any
	}{
		{"DATABASE_URL", maskURL(c.DatabaseURL)},
		{"PORT", c.Port},
		{"SECRET_KEY", mask(c.SecretKey)},
		{"BASE_URL", c.BaseURL},
		{"SMTP_URL", maskURL(c.SMTPURL)},
		{"MAIL_FROM", c.MailFrom},
		{"WORKER_CONCURRENCY", c.WorkerConcurrency},
		{"WEB_POOL", c.WebPool},
		{"WORKER_POOL", c.WorkerPool},
		{"WEB_MAX", c.WebMax},
		{"WORKERS_MAX", c.WorkersMax},
		{"HEROKU_API_TOKEN", mask(c.HerokuToken)},
		{"SCALE_APP", c.ScaleApp},
		{"WORKER_POLL_ONLY", map[bool]string{false: "no", true: "yes"}[c.WorkerPollOnly]},
		{"LAB", map[bool]string{false: "off", true: "on"}[c.Lab]},
		{"LOG_FORMAT", c.LogFormat},
		{"DYNO", c.Process},
		{"RELEASE", c.Release},
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		value := fmt.Sprint(row.value)
		switch {
		case value == "":
			value = "(not set)"
		case value == "0":
			value = "(from the server's limit)"
		}
		fmt.Fprintf(out, "%s\t%s\n", row.name, value)
	}
	return out.Flush()
}

func mask(secret string) string {
	if secret == "" {
		return ""
	}
	return "(set)"
}

// maskURL hides the password of a URL, and its query, which may hold one too. Some services have one token for user and
// password.
func maskURL(raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil {
		return mask(raw)
	}
	if u.RawQuery != "" {
		u.RawQuery = "…"
	}
	if password, _ := u.User.Password(); password != "" && password == u.User.Username() {
		u.User = url.UserPassword("xxxxx", password)
	}
	return u.Redacted()
}
