package web

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// health says that the process answers. It does not ask the database: restarting the process would not start Postgres.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}

// readiness says whether requests should be sent here: the process is not stopping, the database answers, and its schema
// fits this release.
func (s *Server) readiness(w http.ResponseWriter, r *http.Request) {
	if s.stopping.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready: this process is stopping")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	var one int
	err := s.DB.QueryRow(ctx, "select 1").Scan(&one)
	if err == nil && s.Ready != nil {
		err = s.Ready(ctx)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "not ready", "err", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready: the database does not answer, or its schema is older than this release")
		return
	}
	fmt.Fprintln(w, "ready")
}
