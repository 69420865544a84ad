package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/views/page"
)

const (
	// shown is how many recommendations the page has: more is a catalogue.
	shown = 24
	// slowAfter is from when a run that is still awaited is called late.
	slowAfter = 10 * time.Second
)

func (s *Server) recommendations(w http.ResponseWriter, r *http.Request) error {
	list, err := s.recommended(r.Context(), readerOf(r.Context()).ReaderID)
	if err != nil {
		return err
	}
	d := page.Recommendations{List: list}
	if d.Page, err = s.chromeFor(r, "For you", "recommendations"); err != nil {
		return err
	}
	return render(w, r, http.StatusOK, page.RecommendationsPage(d))
}

// recommended is the live part: what the page shows at first and the stream sends again.
func (s *Server) recommended(ctx context.Context, readerID int64) (page.Recommended, error) {
	state, err := recommend.StateOf(ctx, s.DB, readerID)
	if err != nil {
		return page.Recommended{}, err
	}
	items, err := recommend.List(ctx, s.DB, readerID, shown)
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
	} else {
		if items, err = recommend.PopularNow(ctx, s.DB, readerID, shown); err != nil {
			return d, err
		}
	}
	if d.Working && state.ChangedAt != nil && now.Sub(*state.ChangedAt) > slowAfter {
		d.Hint = "This takes longer than usual: no worker has come to it yet. Nothing is lost, and it will be done as soon as one runs."
	}
	if d.Working {
		if d.Percent, d.Doing, err = recommend.Progress(ctx, s.DB, readerID); err != nil {
			return d, err
		}
	}
	for _, item := range items {
		d.Items = append(d.Items, recommendationView(item))
	}
	last, err := recommend.LastDismissed(ctx, s.DB, readerID, undoTime)
	if err == nil && last.BookID != 0 {
		d.Undo = &page.Dismissed{ID: last.BookID, Title: last.Title}
	}
	return d, err
}

// undoTime is how long a dismissal is offered back on the page.
const undoTime = 2 * time.Minute

// pingEvery keeps a stream open: a platform's router cuts one that is silent for 55 s.
const pingEvery = 20 * time.Second

// eventTime bounds the queries and the rendering of one event.
const eventTime = 10 * time.Second

// streamPatience is how long a browser may leave what is sent to it lying. One that took nothing would otherwise hold
// its stream for ever, and a stopping process with it.
const streamPatience = 10 * time.Second

// recommendationEvents streams the list: once at the start, and again at each change. It ends when the browser leaves
// or the process stops; the browser then connects again by itself.
func (s *Server) recommendationEvents(w http.ResponseWriter, r *http.Request) error {
	readerID := readerOf(r.Context()).ReaderID
	changed, done, ok := s.Hub.open(subject{readerID, notice.TopicRecommendations})
	if !ok {
		return &answer.Error{
			Status: http.StatusTooManyRequests, Headline: "Too many open pages",
			Sentence: "This account has more live pages open than we allow. Reload the page to see what is new.",
		}
	}
	defer done()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	send := func(write func() error) error {
		if err := control.SetWriteDeadline(time.Now().Add(streamPatience)); err != nil {
			return fmt.Errorf("bound a write to a stream: %w", err)
		}
		if err := errors.Join(write(), control.Flush()); err != nil {
			return err
		}
		return control.SetWriteDeadline(time.Time{}) // between writes a stream may be silent for as long as it likes
	}
	list := func() error { return s.sendRecommended(r.Context(), w, readerID) }
	err := send(list)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for err == nil {
		select {
		case <-r.Context().Done():
			return nil
		case <-s.Hub.closing:
			return nil
		case <-changed:
			if err = s.stillSignedIn(r); err == nil {
				err = send(list)
			}
		case <-ping.C:
			err = send(func() error { _, err := io.WriteString(w, ":\n\n"); return err })
		}
	}
	// The status is sent: all that is left is to end. The browser connects again and asks anew.
	s.Log.InfoContext(r.Context(), "a stream ended early", "request_id", answer.RequestID(r.Context()), "err", err)
	return nil
}

// stillSignedIn is an error once the session that a stream began with has ended: by signing out, by a new password on
// another device, or with the account.
func (s *Server) stillSignedIn(r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), eventTime)
	defer cancel()
	cookie, err := r.Cookie(s.cookieName())
	if err == nil {
		_, err = reader.BySession(ctx, s.DB, cookie.Value)
	}
	return err
}

// sendRecommended writes the list as one event: each line of the markup behind "data: ", then an empty line.
func (s *Server) sendRecommended(ctx context.Context, w io.Writer, readerID int64) error {
	ctx, cancel := context.WithTimeout(ctx, eventTime)
	defer cancel()
	list, err := s.recommended(ctx, readerID)
	if err != nil {
		return err
	}
	var markup, event bytes.Buffer
	if err := page.RecommendationList(list).Render(ctx, &markup); err != nil {
		return err
	}
	for line := range strings.Lines(markup.String()) {
		event.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	event.WriteString("\n")
	_, err = event.WriteTo(w)
	return err
}
