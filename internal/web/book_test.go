package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRatingWritesTheRatingAndItsJob(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me, id := s.signUp("Odo Quillfeather"), s.book("Emma")
	path := fmt.Sprintf("/books/%d", id)
	s.header.Set("X-Request-Id", "request-of-this-rating")
	s.post(path+"/rating", url.Values{"stars": {"4.5"}}).leadsTo(path)
	if n := s.count("select stars from rating where reader_id = $1 and book_id = $2", me, id); n != 9 {
		t.Errorf("stored as %d half stars, want 9", n)
	}
	if n := s.count(`select count(*) from jobs.job where kind = 'recommend_reader' and (args ->> 'reader_id')::bigint = $1
		and request_id = 'request-of-this-rating'`, me); n != 1 {
		t.Errorf("%d jobs of this request, want 1", n)
	}
	s.get(path).wants(http.StatusOK, "Your rating is saved.")
	if page := s.get(path).wants(http.StatusOK); strings.Contains(page.text(), "Your rating is saved.") {
		t.Error("the sentence is shown twice")
	}

	s.post(path+"/rating", url.Values{"stars": {""}}).leadsTo(path)
	if n := s.count("select count(*) from rating where reader_id = $1", me); n != 0 {
		t.Errorf("%d ratings after it was removed", n)
	}
	if n := s.count("select count(*) from jobs.job where kind = 'recommend_reader'"); n != 1 {
		t.Errorf("%d jobs wait; the second should be a duplicate of the first", n)
	}
}

func TestBadRatings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	path := fmt.Sprintf("/books/%d/rating", s.book("Emma"))
	for _, stars := range []string{"0", "5.5", "2.7", "text", "-1", "1e1", "NaN", "4\x00", "\xff", strings.Repeat("9", 400)} {
		s.post(path, url.Values{"stars": {stars}}).wants(http.StatusUnprocessableEntity, "Emma", "star")
	}
	if n := s.count("select count(*) from rating"); n != 0 {
		t.Errorf("%d ratings were stored", n)
	}
	if n := s.count("select count(*) from jobs.job where kind = 'recommend_reader'"); n != 0 {
		t.Errorf("%d jobs were enqueued", n)
	}
}

func TestUnknownBooks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo Quillfeather")
	for _, id := range []string{"0", "-1", "999999999", "99999999999999999999", "emma", "%00"} {
		s.get("/books/"+id).wants(http.StatusNotFound, "book")
		s.post("/books/"+id+"/rating", url.Values{"stars": {"4"}}).wants(http.StatusNotFound, "book")
		s.post("/books/"+id+"/shelf", url.Values{"status": {"read"}}).wants(http.StatusNotFound, "book")
		s.post("/books/"+id+"/dismissal", nil).wants(http.StatusNotFound, "book")
	}
	if n := s.count("select count(*) from jobs.job where kind = 'recommend_reader'"); n != 0 {
		t.Errorf("%d jobs were left by refused requests", n)
	}
}

func TestShelf(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me, id := s.signUp("Odo Quillfeather"), s.book("Emma")
	path := fmt.Sprintf("/books/%d/shelf", id)
	s.post(path, url.Values{"status": {"reading"}, "next": {"/recommendations"}}).leadsTo("/recommendations")
	s.get("/shelf?tab=reading").wants(http.StatusOK, "Emma")
	s.get("/").wants(http.StatusOK, "Emma")
	s.post(path, url.Values{"status": {"burnt"}}).wants(http.StatusUnprocessableEntity, "shelf")
	s.post(path, url.Values{"status": {"none"}, "next": {"https://evil.example/"}}).leadsTo("/")
	if n := s.count("select count(*) from shelving where reader_id = $1", me); n != 0 {
		t.Errorf("%d books are still shelved", n)
	}
}

// TestLongSearchIsCut: a text that is too long is cut, without an addition, because it is searched for and put back.
func TestLongSearchIsCut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	found := s.get("/books?q=" + strings.Repeat("é", maxTyped+1)).wants(http.StatusOK)
	if got, _ := found.value("q"); got != strings.Repeat("é", maxTyped) {
		t.Errorf("searched for %q", got)
	}
}

func TestVisitorsAreAskedToSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.book("Emma")
	s.get(fmt.Sprintf("/books/%d", id)).wants(http.StatusOK, "Emma")
	s.get("/recommendations").leadsTo("/signin?next=%2Frecommendations")
	s.get("/mailbox").leadsTo("/signin?next=%2Fmailbox")
	s.get("/recommendations/events").leadsTo("/signin?next=%2Frecommendations%2Fevents")
	s.header.Set("Referer", fmt.Sprintf("http://example.com/books/%d", id))
	s.post(fmt.Sprintf("/books/%d/rating", id), url.Values{"stars": {"4"}}).leadsTo(fmt.Sprintf("/signin?next=%%2Fbooks%%2F%d", id))
	if n := s.count("select count(*) from rating"); n != 0 {
		t.Errorf("%d ratings by visitors", n)
	}
}

func TestDismissalCanBeUndone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me, id := s.signUp("Odo Quillfeather"), s.book("Emma")
	path := fmt.Sprintf("/books/%d/dismissal", id)
	s.post(path, url.Values{"next": {"/recommendations"}}).leadsTo("/recommendations")
	s.get("/recommendations").wants(http.StatusOK, "We will not show Emma again", "Undo")
	s.post(path, url.Values{"undo": {"1"}, "next": {"/recommendations"}}).leadsTo("/recommendations")
	if n := s.count("select count(*) from dismissal where reader_id = $1", me); n != 0 {
		t.Errorf("%d dismissals are left", n)
	}
}

func TestSearchTakesAnything(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, q := range []string{"", "%", "_", `\`, "'; drop table book; --", "\x00", "\xff", strings.Repeat("x", 5000), "صحراء", "📚"} {
		s.get("/books?q="+url.QueryEscape(q)+"&page=-3&subject=nothing").wants(http.StatusOK, "book")
	}
	if page := s.get("/books?q=" + url.QueryEscape("<script>alert(1)</script>")); strings.Contains(page.Body, "<script>alert") {
		t.Error("the search text reaches the page as markup")
	}
}
