package heroku_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/scale"
	"github.com/backlist/backlist/internal/scale/heroku"
	"github.com/backlist/backlist/internal/scale/plan"
)

const token = "HRKU-secret"

// api is a Platform API with one app.
type api struct {
	mu       sync.Mutex
	quantity int
	size     string
	fir      bool
	calls    []string
	status   int    // of the next answers; 0: as usual
	answer   string // with status
	hang     bool   // change, but never answer
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, r.Method+" "+r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Accept") != "application/vnd.heroku+json; version=3" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.answer)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /apps/books":
		fmt.Fprintf(w, `{"name": "books", "generation": {"name": %q}}`, map[bool]string{true: "fir", false: "cedar"}[a.fir])
	case "PATCH /apps/books/formation":
		var body struct {
			Updates []struct {
				Type     string
				Quantity int
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Updates) != 1 || body.Updates[0].Type != "worker" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		a.quantity = body.Updates[0].Quantity
		if a.hang {
			panic(http.ErrAbortHandler)
		}
		fallthrough
	case "GET /apps/books/formation":
		list := `{"type": "web", "quantity": 1, "size": "Standard-1X"}`
		if a.quantity > 0 || r.Method == "PATCH" {
			list += fmt.Sprintf(`, {"type": "worker", "quantity": %d, "size": %q}`, a.quantity, a.size)
		}
		fmt.Fprintf(w, "[%s]", list)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// serve returns the formation of a fake API's workers.
func serve(t *testing.T, a *api, app string) scale.Formation {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return heroku.New(server.URL, app, token).Formation("worker")
}

func read(t *testing.T, f scale.Formation, fresh bool) plan.Formation {
	t.Helper()
	found, err := f.Read(t.Context(), fresh)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestScale(t *testing.T) {
	t.Parallel()
	a := &api{size: "Standard-1X"}
	f := serve(t, a, "books")
	if found := read(t, f, false); found.Quantity != 0 { // a process type without dynos is not listed
		t.Errorf("%+v", found)
	}
	if err := f.Set(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	calls := len(a.calls)
	if found := read(t, f, false); found != (plan.Formation{Quantity: 3}) || len(a.calls) != calls {
		t.Errorf("%+v after %v", found, a.calls)
	}
	a.quantity = 5
	if found := read(t, f, true); found.Quantity != 5 {
		t.Errorf("%+v by hand", found)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"Eco", "basic"} {
		if found := read(t, serve(t, &api{size: size, quantity: 1}, "books"), false); !found.Fixed {
			t.Errorf("%s: %+v", size, found)
		}
	}
	if found := read(t, serve(t, &api{size: "1X-Classic", quantity: 1, fir: true}, "books"), false); !found.Unordered {
		t.Errorf("Fir: %+v", found)
	}
}

// TestFaults: every answer that is not a success has an error that says what to do, without the token.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		answer string
		want   error
	}{
		{401, `{"id":"unauthorized"}`, heroku.ErrToken},
		{403, `{"id":"forbidden"}`, heroku.ErrToken},
		{404, `{"id":"not_found"}`, heroku.ErrApp},
		{429, `{"id":"rate_limit"}`, heroku.ErrRate},
		{422, `{"id":"invalid_params","message":"Cannot change formation for a preboot app until release phase and preboot complete"}`, heroku.ErrState},
		{500, ``, nil},
		{503, `<html>`, nil},
		{301, ``, nil},
		{200, `<html>`, nil},
	} {
		a := &api{size: "Standard-1X", quantity: 1}
		f := serve(t, a, "books")
		read(t, f, false)
		a.mu.Lock()
		a.status, a.answer = tc.status, tc.answer
		a.mu.Unlock()
		err := f.Set(t.Context(), 2)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || strings.Contains(err.Error(), token) {
			t.Errorf("%d: %v", tc.status, err)
		}
	}
	a := &api{status: 422, answer: `{"id":"cannot_run_above_limit","limit":2,"size":11}`}
	if limit, ok := errors.AsType[*scale.LimitError](serve(t, a, "books").Set(t.Context(), 9)); !ok || limit.Limit != 2 {
		t.Errorf("%v", limit)
	}
	if _, err := serve(t, &api{}, "renamed").Read(t.Context(), false); !errors.Is(err, heroku.ErrApp) {
		t.Errorf("a renamed app: %v", err)
	}
}

// TestUnknownOutcome: after an answer that was lost, the formation is read again.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	a := &api{size: "Standard-1X", quantity: 1, hang: true}
	f := serve(t, a, "books")
	read(t, f, false)
	if err := f.Set(t.Context(), 4); err == nil {
		t.Fatal("no error")
	}
	if found := read(t, f, false); found.Quantity != 4 {
		t.Errorf("%+v", found)
	}
}

// TestRest: after the limit of calls no further call is made, and after a refusal the formation counts as busy.
func TestRest(t *testing.T) {
	t.Parallel()
	a := &api{size: "Standard-1X", quantity: 1}
	f := serve(t, a, "books")
	read(t, f, false)
	a.status = 422
	_ = f.Set(t.Context(), 2)
	a.status = 0
	if found := read(t, f, false); !found.Busy {
		t.Errorf("%+v", found)
	}
	a.status = 429
	_ = f.Set(t.Context(), 2)
	calls := len(a.calls)
	if _, err := f.Read(t.Context(), true); !errors.Is(err, heroku.ErrRate) || len(a.calls) != calls {
		t.Errorf("%v, %d more calls", err, len(a.calls)-calls)
	}
}

// TestThrift: in a minute the loop asks every five seconds, and the API twice.
func TestThrift(t *testing.T) {
	t.Parallel()
	a := &api{size: "Standard-1X", quantity: 1}
	f := serve(t, a, "books")
	begun := time.Now()
	for range 50 {
		read(t, f, false)
	}
	if len(a.calls) > 2 && time.Since(begun) < 30*time.Second {
		t.Errorf("%d calls", len(a.calls))
	}
}
