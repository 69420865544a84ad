package app

import (
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

func (s *testSite) twoTabsAndARestart(t *testing.T) {
	web := s.startWeb(t, "0")
	r := s.newReader(t, "Rosa") // she rates by the other web process
	one := s.openAs(t, r)
	books := s.wellKnown(one)
	one.base = web.URL
	two := one.another()
	for _, b := range []*tab{one, two} {
		b.goTo("/recommendations")
		b.sees("main", "popular")
		get[bool](b, "globalThis.stayed = true")
		b.expect("ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_REFUSED", "Failed to fetch", "network error")
	}
	r.rate("5", hrefs(books[:3])...)
	for _, b := range []*tab{one, two} {
		b.sees(".standing", "from your 3 ratings")
		b.reasonsName(books[:3])
	}

	port := portOf(t, web.URL)
	if err := web.stop(); err != nil {
		t.Fatalf("web did not stop cleanly: %v", err)
	}
	r.rate("4.5", books[3].Href)
	s.startWeb(t, port)
	for _, b := range []*tab{one, two} {
		b.sees(".standing", "from your 4 ratings")
		if !get[bool](b, "globalThis.stayed === true") {
			t.Error("the page was reloaded")
		}
	}
}

// lateAnswer delays the answer to a form until the stream has brought a newer list, which must stay.
func (s *testSite) lateAnswer(t *testing.T) {
	_, b := s.settled(t, "Lena")
	b.goTo("/recommendations")
	title := get[string](b, `plain($(".rec h2").textContent)`)
	held := make(chan fetch.RequestID, 1)
	if err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			held <- e.RequestID
		}
	}); err != nil {
		t.Fatal(err)
	}
	b.run(send(fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{
		{URLPattern: b.base + "/recommendations", RequestStage: fetch.RequestStageResponse},
	}}))
	get[string](b, `globalThis.made = $("#recommended").dataset.made`)
	b.press("Not for me: " + title)
	var id fetch.RequestID
	select {
	case id = <-held:
	case <-time.After(patience):
		t.Fatal("the form was not answered")
	}
	b.wait("a newer list from the stream", `Date.parse($("#recommended").dataset.made) > Date.parse(globalThis.made)`)
	get[string](b, `globalThis.made = $("#recommended").dataset.made`)
	b.run(send(fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id}))
	b.sees("#undo", "We will not show "+title+" again.")
	if !get[bool](b, `Date.parse($("#recommended").dataset.made) >= Date.parse(globalThis.made) && !$(".working-on") && !reads(".rec h2", `+quote(title)+`)`) {
		b.show()
		t.Error("an older answer replaced the list")
	}
}

// longRun blocks the job that makes a list. The open page and one that is opened later show the job's progress, and both
// show the list after the job has continued.
func (s *testSite) longRun(t *testing.T) {
	r, b := s.settled(t, "Lore")
	b.goTo("/recommendations")
	book := get[string](b, `$(".rec h2 a").getAttribute("href")`)
	get[bool](b, "globalThis.stayed = true")
	release := holding(t, s.db, "lock table neighbour_build in access exclusive mode")
	r.rate("4", book)
	b.sees(".standing", "Comparing your ratings with those of other readers.")
	later := b.another()
	later.goTo("/recommendations")
	for _, page := range []*tab{b, later} {
		if how := get[float64](page, `$("progress").value`); how != 10 {
			t.Errorf("the page shows %v %%", how)
		}
	}
	release()
	for _, page := range []*tab{b, later} {
		page.sees(".standing", "from your 5 ratings")
	}
	if !get[bool](b, `globalThis.stayed === true && !$("progress")`) {
		t.Error("the page was reloaded, or still shows progress")
	}
}

func portOf(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
