// Package config reads the process's settings once, from an injected getenv, and reports all problems together.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Config is everything that can be set from outside. The zero value of an optional field means "not set".
type Config struct {
	DatabaseURL       string // DATABASE_URL; empty: a private Postgres
	Port              int    // PORT: where web listens; 0: on any free one
	SecretKey         string // SECRET_KEY: signs unsubscribe links; web and worker share it
	BaseURL           string // BASE_URL: the site's address; empty: learnt from the first visitor
	SMTPURL           string // SMTP_URL: smtp://user:password@host:587; empty: mail stays in the readers' mailboxes
	MailFrom          string // MAIL_FROM: address of the sender
	WorkerConcurrency int    // WORKER_CONCURRENCY: concurrent jobs per worker process and queue
	WebPool           int    // WEB_POOL: database connections of a web process; 0: from the server's limit
	WorkerPool        int    // WORKER_POOL: the same for a worker process, without its listener
	WorkerPollOnly    bool   // WORKER_POLL_ONLY: the database is behind a transaction pooler, so LISTEN does not work
	WebMax            int    // WEB_MAX: the most web processes at once, by which the database's connections are divided
	WorkersMax        int    // WORKERS_MAX: the most worker processes at once
	HerokuToken       string // HEROKU_API_TOKEN: lets web scale the workers of ScaleApp; empty: it only advises
	ScaleApp          string // SCALE_APP: the app's name or id; empty: HEROKU_APP_NAME
	Lab               bool   // LAB: the lab is open, to accounts with a role in the console; the command dev sets it, for everyone
	LogFormat         string // LOG_FORMAT: logfmt or json
	Process           string // DYNO: the platform's name for this process
	Release           string // HEROKU_RELEASE_VERSION or RELEASE: stamped on jobs
	OnHeroku          bool   // DYNO is set: the platform stamps log lines with the time, and ends TLS in front of us
	Dev               bool   // set by the command dev only: plain HTTP, cookies without Secure
}

// FromEnv reads the configuration. Its error lists every problem, a line each.
func FromEnv(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := Config{
		DatabaseURL:       withTLS(r.url("DATABASE_URL", DatabaseSchemes...)),
		Port:              r.number("PORT", 5000, 0, 65535),
		SecretKey:         r.secret("SECRET_KEY", 16),
		BaseURL:           r.site("BASE_URL"),
		SMTPURL:           text(r.url("SMTP_URL", "smtp", "smtps")),
		MailFrom:          getenv("MAIL_FROM"),
		WorkerConcurrency: r.number("WORKER_CONCURRENCY", 10, 1, 1000),
		WebPool:           r.number("WEB_POOL", 0, 0, 500),
		WorkerPool:        r.number("WORKER_POOL", 0, 0, 500),
		WorkerPollOnly:    r.oneOf("WORKER_POLL_ONLY", "no", "yes") == "yes",
		WebMax:            r.number("WEB_MAX", 1, 1, 1000),
		WorkersMax:        r.number("WORKERS_MAX", 2, 1, 1000),
		HerokuToken:       getenv("HEROKU_API_TOKEN"),
		ScaleApp:          cmp.Or(getenv("SCALE_APP"), getenv("HEROKU_APP_NAME")),
		Lab:               r.oneOf("LAB", "off", "on") == "on",
		LogFormat:         r.oneOf("LOG_FORMAT", "logfmt", "json"),
		Process:           getenv("DYNO"),
		Release:           cmp.Or(getenv("RELEASE"), getenv("HEROKU_RELEASE_VERSION")),
		OnHeroku:          getenv("DYNO") != "",
	}
	if c.HerokuToken != "" && c.ScaleApp == "" {
		r.problem("SCALE_APP must name the app whose workers HEROKU_API_TOKEN is to scale")
	}
	return c, errors.Join(r.problems...)
}

type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// url returns nil if the variable is unset or invalid.
func (r *reader) url(name string, schemes ...string) *url.URL {
	value := r.getenv(name)
	if value == "" {
		return nil
	}
	u, err := ParseURL(name, value, schemes...)
	if err != nil {
		r.problems = append(r.problems, err)
	}
	return u
}

// site returns a URL to which the paths of pages can be added.
func (r *reader) site(name string) string {
	u := r.url(name, "http", "https")
	if u != nil && (u.User != nil || u.RawQuery != "") {
		r.problem("%s must be the site's address alone, such as https://books.example.org", name)
	}
	return strings.TrimSuffix(text(u), "/")
}

func text(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}

func (r *reader) number(name string, byDefault, low, high int) int {
	value := r.getenv(name)
	if value == "" {
		return byDefault
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		r.problem("%s must be a number from %d to %d, not %q", name, low, high, value)
		return byDefault
	}
	return n
}

func (r *reader) secret(name string, length int) string {
	value := r.getenv(name)
	if value != "" && len(value) < length {
		r.problem("%s must have at least %d characters", name, length)
	}
	return value
}

func (r *reader) oneOf(name string, values ...string) string {
	value := cmp.Or(r.getenv(name), values[0])
	if !slices.Contains(values, value) {
		r.problem("%s must be %s, not %q", name, strings.Join(values, " or "), value)
	}
	return value
}

// withTLS adds sslmode=require if the URL has no sslmode and the server is not local: Heroku's Postgres requires TLS,
// and its certificate is self-signed.
func withTLS(u *url.URL) string {
	if u == nil || u.Query().Has("sslmode") {
		return text(u)
	}
	host := cmp.Or(u.Hostname(), u.Query().Get("host"))
	if ip := net.ParseIP(host); host == "localhost" || strings.HasPrefix(host, "/") || (ip != nil && ip.IsLoopback()) {
		return u.String()
	}
	q := u.Query()
	q.Set("sslmode", "require")
	u.RawQuery = q.Encode()
	return u.String()
}
