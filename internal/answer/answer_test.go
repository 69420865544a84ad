package answer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

type userKey struct{}

// newPages returns pages that read their user from a header, and their log.
func newPages() (*Pages, *bytes.Buffer) {
	var log bytes.Buffer
	return &Pages{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Begin: func(_ http.ResponseWriter, r *http.Request) (*http.Request, error) {
			if r.Header.Get("X-Broken") != "" {
				return r, &pgconn.PgError{Code: "57P01"}
			}
			return r.WithContext(context.WithValue(r.Context(), userKey{}, r.Header.Get("X-User"))), nil
		},
		ErrorPage: func(r *http.Request, e *Error) templ.Component {
			user, _ := r.Context().Value(userKey{}).(string)
			return templ.Raw(fmt.Sprintf("%d for %s: %s", e.Status, user, e.Sentence))
		},
	}, &log
}

var page = Limits{Time: time.Minute, Body: 100}

func ask(h http.Handler, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func failing(err error) Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

// TestErrorBecomesAPage: the page has the error's status and sentence and the user's name, and is not stored. The cause is
// logged if the fault is ours, and never shown.
func TestErrorBecomesAPage(t *testing.T) {
	t.Parallel()
	secret := errors.New("password of the database")
	for name, tc := range map[string]struct {
		err    error
		want   string
		retry  string
		logged bool
	}{
		"ours":       {secret, "500 for Ines: ", "", true},
		"the user's": {&Error{Status: 404, Sentence: "No such book.", Err: secret}, "404 for Ines: No such book.", "", false},
		"wrapped":    {fmt.Errorf("rate: %w", &Error{Status: 403, Sentence: "No."}), "403 for Ines: No.", "", false},
		"too many":   {&Error{Status: 429, RetryAfter: 40, Err: secret}, "429 for Ines: ", "40", false},
		"away":       {fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, secret), "503 for Ines: ", "2", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, log := newPages()
			w := ask(p.Within(page, failing(tc.err)), "", "X-User", "Ines")
			if got := w.Body.String(); got != tc.want || !strings.HasPrefix(got, fmt.Sprint(w.Code)) {
				t.Errorf("%d %q, want %q", w.Code, got, tc.want)
			}
			if w.Header().Get("Retry-After") != tc.retry || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", w.Header())
			}
			if strings.Contains(log.String(), secret.Error()) != tc.logged {
				t.Errorf("the log says %q", log)
			}
		})
	}
}

// TestBegin: a request whose session cannot be read is answered with a page, and not by its handler.
func TestBegin(t *testing.T) {
	t.Parallel()
	p, _ := newPages()
	w := ask(p.Within(page, failing(errors.New("the handler ran"))), "", "X-Broken", "yes")
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want int
	}{
		{pgx.ErrNoRows, 404},
		{context.Canceled, clientGone},
		{context.DeadlineExceeded, 503},
		{&pgconn.PgError{Code: "57P03"}, 503},
		{&pgconn.PgError{Code: "53300"}, 503},
		{&pgconn.PgError{Code: "23505"}, 500},
		{&pgconn.ConnectError{}, 503},
		{io.EOF, 503},
		{&http.MaxBytesError{Limit: 1}, 413},
		{&Error{Status: 422, Err: pgx.ErrNoRows}, 422},
		{errors.New("anything else"), 500},
	} {
		if got := classify(fmt.Errorf("wrapped: %w", tc.err)).Status; got != tc.want {
			t.Errorf("%T %v is %d, want %d", tc.err, tc.err, got, tc.want)
		}
	}
}

// TestRecover: a panic is answered and its stack logged, except the one with which net/http cuts a connection.
func TestRecover(t *testing.T) {
	t.Parallel()
	p, log := newPages()
	w := ask(p.Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("ouch") })), "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "ouch") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "answer_test.go") {
		t.Errorf("no stack is logged: %s", log)
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v", v)
		}
	}()
	ask(p.Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })), "")
}

// TestRender: a page that fails halfway sends nothing.
func TestRender(t *testing.T) {
	t.Parallel()
	p, _ := newPages()
	w := ask(p.Within(page, func(w http.ResponseWriter, r *http.Request) error {
		return Render(w, r, http.StatusOK, templ.ComponentFunc(func(_ context.Context, to io.Writer) error {
			_, _ = io.WriteString(to, "the first half")
			return errors.New("ouch")
		}))
	}), "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "half") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for given, want := range map[string]string{"": "private, no-cache", "no-store": "no-store"} {
		w := httptest.NewRecorder()
		if given != "" {
			w.Header().Set("Cache-Control", given)
		}
		if err := Render(w, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusTeapot, templ.Raw("tea")); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusTeapot || w.Body.String() != "tea" || w.Header().Get("Cache-Control") != want || w.Header().Get("Vary") != "Cookie" {
			t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
		}
	}
}
