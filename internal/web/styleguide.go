package web

import (
	"net/http"

	"github.com/backlist/backlist/views/page"
)

// styleguide shows every component; it is served in dev only.
func (s *Server) styleguide(w http.ResponseWriter, r *http.Request) error {
	return render(w, r, http.StatusOK, page.StyleguidePage(page.Styleguide{Page: s.chrome(r, "Style guide", "")}))
}
