package app

import (
	"strconv"
	"testing"
)

// accessibility runs axe-core on every page of the console, and checks that none is wider than a phone.
func (c *testConsole) accessibility(t *testing.T) {
	needsAxe(t)
	_, b := c.openFor(t, "operator")
	b.expect("status of 404", "status of 422")
	job := "/console/jobs/" + strconv.FormatInt(c.broken.Jobs[0], 10)
	b.goTo("/console/errors?show=all")
	oneError := get[string](b, `$$(".errors tbody tr").find((e) => e.innerText.includes(`+quote(c.broken.Kind)+`)).querySelector("th a").getAttribute("href")`)
	for _, path := range []string{
		job, job + "/copy", oneError, "/console", "/console?past=7d", "/console?past=24h&kind=" + c.broken.Kind, "/console/queues", "/console/queues?target=mail", "/console/jobs", "/console/jobs?q=state%3Adiscarded",
		"/console/jobs?q=stat%3A%22", "/console/jobs?q=kind%3Anothing", "/console/workers", "/console/workers?sql=workers.live", "/console/errors", "/console/errors?show=all", "/console/find?q=send", "/console/find?q=zzzzzz", "/console/nothing",
	} {
		b.goTo(path)
		b.noViolations(path)
		b.fitsWindow(path, 375)
	}
}

// fitsWindow checks that a page is not wider than a window.
func (b *tab) fitsWindow(where string, width int64) {
	b.t.Helper()
	b.run(window(width, 740))
	defer b.run(window(1280, 900))
	if is := get[int64](b, "document.scrollingElement.scrollWidth"); is > width {
		wide := get[[]string](b, `$$("body *").filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && seen(e)).slice(0, 5).map((e) => e.outerHTML.slice(0, 120))`)
		b.t.Errorf("%s is %d points wide in a window of %d: %q", where, is, width, wide)
	}
}
