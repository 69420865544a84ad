package web

import (
	"net/http"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/views/bookui"
	"github.com/backlist/backlist/views/page"
)

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	d, err := s.homeView(r)
	if err != nil {
		return err
	}
	if d.Page, err = s.chromeFor(r, "Backlist", "home"); err != nil {
		return err
	}
	return render(w, r, http.StatusOK, page.HomePage(d))
}

func (s *Server) homeView(r *http.Request) (d page.Home, err error) {
	ctx, me := r.Context(), readerOf(r.Context())
	if me == nil {
		popular, err := book.Popular(ctx, s.DB, 12)
		if err != nil {
			return d, err
		}
		d.Popular, err = s.cards(r, popular)
		return d, err
	}
	state, err := recommend.StateOf(ctx, s.DB, me.ReaderID)
	if err != nil {
		return d, err
	}
	d.Ratings, d.RateMore = state.Ratings, max(0, recommend.MinRatings-state.Ratings)
	d.Working = state.Phase == recommend.Working
	reading, err := shelf.List(ctx, s.DB, me.ReaderID, shelf.Reading, 1)
	if err != nil {
		return d, err
	}
	if d.Reading, err = s.cards(r, reading.Books); err != nil {
		return d, err
	}
	if d.RateMore > 0 {
		d.Rate, err = s.toRate(r)
		return d, err
	}
	items, err := recommend.List(ctx, s.DB, me.ReaderID, 6)
	for _, item := range items {
		d.Picks = append(d.Picks, recommendationView(item))
	}
	return d, err
}

// toRate returns nine well-known books. Rated ones keep their places: if cards moved up under the pointer, the reader would rate
// the wrong book.
func (s *Server) toRate(r *http.Request) ([]bookui.Card, error) {
	popular, err := book.Popular(r.Context(), s.DB, 9)
	if err != nil {
		return nil, err
	}
	return s.cards(r, popular)
}
