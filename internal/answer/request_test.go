package answer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestIdentify: a platform's id is kept, and one that could break a log line is replaced. Handler and client get the same.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]bool{"": false, "01J-abc.def:4": true, "short": false, "two\nlines of it": false, strings.Repeat("x", 129): false} {
		var id string
		h := Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { id = RequestID(r.Context()) }))
		w := ask(h, "", "X-Request-Id", given)
		if (id == given) != kept || len(id) < 8 || w.Header().Get("X-Request-Id") != id {
			t.Errorf("%q became %q, and %q for the client", given, id, w.Header().Get("X-Request-Id"))
		}
	}
}

func TestMethodIsShort(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"GET": "GET", strings.Repeat("X", 9000): strings.Repeat("X", 16) + "…"} {
		if got := Method(&http.Request{Method: method}); got != want {
			t.Errorf("%.20s is logged as %q", method, got)
		}
	}
}

// TestSecureHeaders: pages load only what their own site serves, scripts included, and cannot be framed.
func TestSecureHeaders(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	SecureHeaders(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%q is not in %q", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", w.Header())
	}
}
