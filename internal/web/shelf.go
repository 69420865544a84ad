package web

import (
	"net/http"
	"net/url"

	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

// shelf shows the reader's own books, one list at a time.
func (s *Server) shelf(w http.ResponseWriter, r *http.Request) error {
	tab := shelf.ParseTab(r.URL.Query().Get("tab"))
	var list shelf.Page
	frame, err := s.chromeFor(r, "My books", "shelf", func(db pipeline.DB) (err error) {
		list, err = shelf.List(r.Context(), db, readerIDOf(r.Context()), tab, pageNumber(r))
		return err
	})
	if err != nil {
		return err
	}
	d := page.Shelf{
		Page: frame, Books: cards(list.Books),
		Tab: string(tab), ToRead: list.ToRead, Reading: list.Reading, Read: list.Read, Rated: list.Rated,
		Pager: ui.NewPager(list.Page, list.Pages, pageURL(r, url.Values{"tab": {string(tab)}})),
	}
	return render(w, r, http.StatusOK, page.ShelfPage(d))
}
