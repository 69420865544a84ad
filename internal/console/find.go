package console

import (
	"net/http"
	"strconv"
	"strings"

	view "github.com/backlist/backlist/views/console"
)

// find answers with the places that a few letters name: pages, a job by its number, and a search for the letters.
func (s *Server) find(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	if len(text) > 200 {
		text = ""
	}
	var found []view.Found
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		found = append(found, view.Found{What: "job", Text: "Job " + text, URL: view.JobURL(id)})
	}
	for _, e := range view.Menu() {
		if strings.Contains(strings.ToLower(e.Text), strings.ToLower(text)) {
			found = append(found, view.Found{What: "page", Text: e.Text, URL: e.URL})
		}
	}
	f := s.blankFrame(r, "Find")
	f.Purpose = "Pages, jobs, queues, kinds, workers and errors by a few letters."
	return s.render(w, r, http.StatusOK, f, view.FindPage(text, found))
}
