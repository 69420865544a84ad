package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/notice"
)

// streamed is the response writer of a stream.
type streamed struct {
	t        *testing.T
	header   http.Header
	deadline time.Time
	body     bytes.Buffer
	flushed  chan struct{}
}

func (w *streamed) Header() http.Header { return w.header }
func (w *streamed) WriteHeader(int)     {}

func (w *streamed) SetWriteDeadline(d time.Time) error {
	w.deadline = d
	return nil
}

func (w *streamed) Write(p []byte) (int, error) {
	if w.deadline.IsZero() {
		w.t.Errorf("%.20q is written without a time limit: a browser that does not read would block the stream", p)
	}
	return w.body.Write(p)
}

func (w *streamed) Flush() { w.flushed <- struct{}{} }

// TestStreamEndsWithItsSession: the stream sends no change after its session has ended.
func TestStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.signUp("Odo")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/recommendations/events", nil)
	for name, value := range s.cookie {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := &streamed{t: t, header: http.Header{}, flushed: make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.server.Handler().ServeHTTP(w, r)
	}()
	tell := func() { s.server.Hub.Tell(notice.PageTopic(id, notice.TopicRecommendations)) }

	// The stream and this test share a transaction, which the test uses only while the stream waits.
	<-w.flushed
	tell()
	<-w.flushed
	size := w.body.Len()
	s.post("/signout", nil).leadsTo("/")
	tell()
	select {
	case <-ended:
	case <-w.flushed:
		t.Fatal("the stream continues after signing out")
	case <-time.After(time.Minute):
		t.Fatal("the stream does not end")
	}
	if w.body.Len() != size || size == 0 {
		t.Errorf("%d bytes before signing out, %d after", size, w.body.Len())
	}
}
