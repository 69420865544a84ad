package web

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// health reports that the process is alive. It does not query the database, because a restart of the process would not start
// Postgres.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}

// readiness reports whether this process should get requests: it is not stopping, the database answers, and the schema fits
// this release.
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
