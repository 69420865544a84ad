package web

import (
	"net/http"
	"net/url"

	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

// shelf shows the reader's own books, one list at a time.
func (s *Server) shelf(w http.ResponseWriter, r *http.Request) error {
	tab := shelf.ParseTab(r.URL.Query().Get("tab"))
	list, err := shelf.List(r.Context(), s.DB, readerOf(r.Context()).ReaderID, tab, pageNumber(r))
	if err != nil {
		return err
	}
	d := page.Shelf{
		Tab: string(tab), ToRead: list.ToRead, Reading: list.Reading, Read: list.Read, Rated: list.Rated,
		Pager: ui.NewPager(list.Page, list.Pages, pageURL(r, url.Values{"tab": {string(tab)}})),
	}
	if d.Books, err = s.cards(r, list.Books); err != nil {
		return err
	}
	if d.Page, err = s.chromeFor(r, "My books", "shelf"); err != nil {
		return err
	}
	return render(w, r, http.StatusOK, page.ShelfPage(d))
}
