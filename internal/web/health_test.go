package web

import (
	"net/http"
	"testing"
)

// TestReadiness: a stopping process is not ready, but still answers requests.
func TestReadiness(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if a := s.get("/readyz"); a.Status != http.StatusOK {
		t.Errorf("/readyz answers %d %s", a.Status, a.Body)
	}
	s.server.Stop()
	for path, status := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK, "/": http.StatusOK} {
		if a := s.get(path); a.Status != status {
			t.Errorf("%s of a stopping process answers %d", path, a.Status)
		}
	}
}
