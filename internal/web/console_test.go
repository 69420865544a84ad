package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/testdb"
)

// TestConsole: the site's console is closed to visitors, does not exist for readers, and opens to operators.
func TestConsole(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	site := &Server{DB: pool, Hub: live.NewHub(log), Log: log, Dev: true, RequestTime: time.Minute}
	site.OpenConsole(pool)
	t.Cleanup(site.Stop)
	handler := site.Handler()
	var token string
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(t.Context(), `insert into reader (name, email, email_key, password_hash) values ('Ann', 'ann@example.com', 'ann@example.com', '') returning id`).Scan(&id)
		if err == nil {
			token, err = reader.StartSession(t.Context(), tx, id)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/console/workers", nil)
		if token != "" {
			r.AddCookie(&http.Cookie{Name: site.cookieName(), Value: token})
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := get(""); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/signin?next=%2Fconsole%2Fworkers" {
		t.Errorf("a visitor: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := get(token); w.Code != http.StatusNotFound {
		t.Errorf("a reader: %d", w.Code)
	}
	if _, err := pool.Exec(t.Context(), "insert into operator (reader_id, role, added_by) select id, 'viewer', 'a test' from reader"); err != nil {
		t.Fatal(err)
	}
	if w := get(token); w.Code != http.StatusOK {
		t.Errorf("a viewer: %d", w.Code)
	}
}
