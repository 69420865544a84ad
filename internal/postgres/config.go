// Package postgres connects processes to the database. It sets what our statements rely on, keeps each process within its
// share of the server's connections, and waits while the server has none left.
package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/trace"
)

// ConnectTimeout bounds a connection attempt; the system's own limit is minutes.
const ConnectTimeout = 5 * time.Second

// Config parses a database URL. Its connections have the program's name, and count queries for traces.
func Config(databaseURL string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		// pgx's error repeats the URL; its cause, if there is one, does not.
		if cause := errors.Unwrap(err); cause != nil {
			return nil, fmt.Errorf("DATABASE_URL has a setting that cannot be used: %w", cause)
		}
		return nil, errors.New("DATABASE_URL has a setting that cannot be used")
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "backlist"
	cfg.ConnConfig.Tracer = trace.Queries{} // without effect where a context has no trace, as in River's queries
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = ConnectTimeout
	}
	return cfg, nil
}

// ThroughPooler changes a URL so that pgx prepares no statements, because through a pooler the next transaction may get another
// connection.
func ThroughPooler(databaseURL string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", errors.New("DATABASE_URL is not a URL") // the cause may quote the password
	}
	q := u.Query()
	if !q.Has("default_query_exec_mode") {
		q.Set("default_query_exec_mode", "cache_describe")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// RefusedSettings reports whether connections of cfg, which Reach has returned for the URL, lack the settings that our statements
// rely on, because a pooler that the URL does not mention refused them.
func RefusedSettings(databaseURL string, cfg *pgxpool.Config) bool {
	asked, err := Config(databaseURL)
	return err == nil && asked.ConnConfig.DefaultQueryExecMode != cfg.ConnConfig.DefaultQueryExecMode
}

// PlainConfig returns the configuration of a single connection with name as its application name. It prepares no statements, so
// that it works through any pooler.
func PlainConfig(databaseURL, name string) (*pgx.ConnConfig, error) {
	cfg, err := Config(databaseURL)
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.ConnConfig.RuntimeParams["application_name"] = name
	return cfg.ConnConfig, nil
}
