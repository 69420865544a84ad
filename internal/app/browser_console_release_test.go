package app

import (
	"strconv"
	"testing"
)

// mostClicks is how many clicks the journey "a release broke a kind" may take.
const mostClicks = 8

// releaseBroke goes from the overview's sentence to the error, to the jobs of its release, to a job and its waterfall, retries all
// jobs with the error and undoes that, by clicks alone.
func (c *testConsole) releaseBroke(t *testing.T) {
	_, b := c.openFor(t, "operator")
	b.goTo("/console")
	all := strconv.Itoa(len(c.broken.Jobs))
	clicks := 0
	click := func(element string) {
		t.Helper()
		clicks++
		b.clickOn(element)
	}
	click(`$$("#overview\\.findings a").find((a) => a.textContent.startsWith(` + quote(c.broken.Kind+" has failed ") + `))`)
	b.sees("#error\\.now", "the lines add up to")
	b.sees("#error\\.releases", c.broken.Newer)
	if get[bool](b, `reads("#error\\.releases", `+quote(c.broken.Older)+`)`) {
		t.Error("the error is not the one that the release brought")
	}
	click(`$("#error\\.releases th a")`)
	b.wait("the jobs of the release", `$$("main [data-pick]").length === `+all)
	click(`$("main tbody th a")`)
	b.sees("#job\\.now", "by release "+c.broken.Newer)
	click(`named("Waterfall")`)
	b.wait("the waterfall", `location.hash === "#job.waterfall" && $("#job\\.waterfall").getBoundingClientRect().top < innerHeight && seen($("#job\\.waterfall tr.this"))`)
	click(`named("Retry all with it…")`)
	b.sees(".plan-count", all+" jobs")
	click(`named("Retry ` + all + ` jobs")`)
	b.sees(".bulk", all+" changed")
	click(`named("Undo")`)
	b.wait("the undo to be done", `$$(".bulk").length === 2 && $$(".bulk").every((e) => plain(e.innerText).includes(`+quote(all+" changed")+`))`)
	if clicks > mostClicks {
		t.Errorf("the journey took %d clicks, want at most %d", clicks, mostClicks)
	}
}
