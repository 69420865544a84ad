package web

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/views/page"
)

const (
	// shown is the number of recommendations on the page.
	shown = 24
	// slowAfter is how long the page waits for a run before it calls it late.
	slowAfter = 10 * time.Second
)

func (s *Server) recommendations(w http.ResponseWriter, r *http.Request) error {
	ctx, me := r.Context(), readerIDOf(r.Context())
	var d page.Recommendations
	var last recommend.Reason
	var err error
	d.Page, err = s.chromeFor(r, "For you", "recommendations",
		func(db pipeline.DB) (err error) { d.List, err = recommended(ctx, db, me); return err },
		func(db pipeline.DB) (err error) {
			last, err = recommend.LastDismissed(ctx, db, me, undoTime)
			return err
		})
	if err != nil {
		return err
	}
	if last.BookID != 0 {
		d.List.Undo = &page.Dismissed{ID: last.BookID, Title: last.Title}
	}
	return render(w, r, http.StatusOK, page.RecommendationsPage(d))
}

// recommended returns the live part, which the page shows at first and the stream renews.
func recommended(ctx context.Context, db pipeline.DB, readerID int64) (page.Recommended, error) {
	var state recommend.State
	var items []recommend.Item
	err := pipeline.Together(ctx, db,
		func(db pipeline.DB) (err error) { state, err = recommend.StateOf(ctx, db, readerID); return err },
		func(db pipeline.DB) (err error) { items, err = recommend.List(ctx, db, readerID, shown); return err })
	if err != nil {
		return page.Recommended{}, err
	}
	now := time.Now()
	d := page.Recommended{
		Ratings: state.Ratings, RateMore: max(0, recommend.MinRatings-state.Ratings),
		Popular: state.Basis != recommend.Neighbours, Working: state.Phase == recommend.Working,
	}
	if state.MadeAt != nil {
		d.Made, d.MadeISO = ago(*state.MadeAt, now), state.MadeAt.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	} else if items, err = recommend.PopularNow(ctx, db, readerID, shown); err != nil {
		return d, err
	}
	if d.Working && state.ChangedAt != nil && now.Sub(*state.ChangedAt) > slowAfter {
		d.Hint = "This is taking longer than usual: the job has not started yet. Nothing is lost; the list will appear once a worker runs it."
	}
	if d.Working {
		if d.Percent, d.Doing, err = recommend.Progress(ctx, db, readerID); err != nil {
			return d, err
		}
	}
	for _, item := range items {
		d.Items = append(d.Items, recommendationView(item))
	}
	return d, nil
}

// undoTime is how long the page offers to undo a dismissal.
const undoTime = 2 * time.Minute

// maxStreams bounds the live pages of one reader in this process, because a script could open many.
const maxStreams = 10

// recommendationEvents streams the list, at the start and after each change.
func (s *Server) recommendationEvents(w http.ResponseWriter, r *http.Request) error {
	readerID := readerOf(r.Context()).ReaderID
	list := s.Hub.Subscribe(notice.PageTopic(readerID, notice.TopicRecommendations), maxStreams)
	if list == nil {
		return &answer.Error{
			Status: http.StatusTooManyRequests, Headline: "Too many open pages",
			Sentence: "This account has more live pages open than we allow. Reload the page to see what is new.",
		}
	}
	defer list.Close()
	err := list.Stream(w, r, live.Page{
		Allowed: func(ctx context.Context) error {
			_, err := s.stillSignedIn(ctx, r)
			return err
		},
		Now: func(ctx context.Context) (templ.Component, error) {
			d, err := recommended(ctx, s.DB, readerID)
			return page.RecommendationList(d), err
		},
	})
	if err != nil {
		s.Log.InfoContext(r.Context(), "a stream ended early", "request_id", answer.RequestID(r.Context()), "err", err)
	}
	return nil
}

// stillSignedIn returns the stream's session, or an error once it has ended, by a sign-out, a new password on another device or the
// account's deletion.
func (s *Server) stillSignedIn(ctx context.Context, r *http.Request) (reader.Session, error) {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return reader.Session{}, err
	}
	return reader.BySession(ctx, s.DB, cookie.Value)
}
