package web

import (
	"net/http"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/views/page"
)

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	view := s.readersHome
	if readerOf(r.Context()) == nil {
		view = s.visitorsHome
	}
	d, err := view(r)
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, page.HomePage(d))
}

func (s *Server) visitorsHome(r *http.Request) (d page.Home, err error) {
	var popular []book.Card
	d.Page, err = s.chromeFor(r, "Backlist", "home",
		func(db pipeline.DB) (err error) { popular, err = book.Popular(r.Context(), db, 12); return err })
	d.Popular = cards(popular)
	return d, err
}

func (s *Server) readersHome(r *http.Request) (d page.Home, err error) {
	ctx, me := r.Context(), readerIDOf(r.Context())
	var state recommend.State
	var reading shelf.Page
	var rate []book.Card
	var items []recommend.Item
	d.Page, err = s.chromeFor(r, "Backlist", "home",
		func(db pipeline.DB) (err error) { state, err = recommend.StateOf(ctx, db, me); return err },
		func(db pipeline.DB) (err error) { reading, err = shelf.List(ctx, db, me, shelf.Reading, 1); return err },
		func(db pipeline.DB) (err error) {
			rate, err = book.ToRate(ctx, db, me, recommend.MinRatings, 9)
			return err
		},
		func(db pipeline.DB) (err error) { items, err = recommend.List(ctx, db, me, 6); return err })
	if err != nil {
		return d, err
	}
	d.Ratings, d.RateMore = state.Ratings, max(0, recommend.MinRatings-state.Ratings)
	d.Working = state.Phase == recommend.Working
	d.Reading = cards(reading.Books)
	if d.RateMore > 0 {
		d.Rate = cards(rate)
		return d, nil
	}
	for _, item := range items {
		d.Picks = append(d.Picks, recommendationView(item))
	}
	return d, nil
}
