package app

import (
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// measuresShift adds up the layout shifts of a page in globalThis.shift.
func measuresShift() step {
	return onEveryPage(`
		globalThis.shift = 0;
		new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) globalThis.shift += e.value; }))
			.observe({type: "layout-shift", buffered: true});`)
}

// live changes what an open page shows. The change appears by itself, later if the operator is at the rows, and moves neither the
// focus nor what surrounds it.
func (c *testConsole) live(t *testing.T) {
	c.pretendWorker("live")
	_, b := c.openFor(t, "viewer", measuresShift())
	b.goTo("/console/workers")
	get[bool](b, "globalThis.stayed = true")
	status := func(word string) string { return `reads("#worker-live [data-label=Status]", ` + quote(word) + `)` }
	b.wait("the worker", status("working"))
	get[bool](b, `$("#worker-live th a").focus(), globalThis.row = $("#worker-live"), true`)
	c.exec("update work.worker set draining = true where id = 'live'")
	b.wait("the change", status("draining"))
	b.focused(`document.activeElement === $("#worker-live th a")`)
	if !get[bool](b, `globalThis.row === $("#worker-live")`) {
		t.Error("the row was replaced instead of changed")
	}

	// Selected text holds changes back; those of other panels come with it.
	get[bool](b, `getSelection().selectAllChildren($("#worker-live th")), true`)
	c.exec("update work.worker set draining = false where id = 'live'")
	b.wait("the change to wait", `$("#page[data-held]")`)
	if !get[bool](b, status("draining")) {
		t.Error("the page changed under selected text")
	}
	get[bool](b, `getSelection().removeAllRanges(), true`)
	b.wait("the change", status("working"))

	// So does an open dialog.
	b.keys("?")
	b.wait("the help", `seen($("#help"))`)
	c.exec("update work.worker set running = 3 where id = 'live'")
	b.wait("the change to wait", `$("#page[data-held]")`)
	b.keys(kb.Escape)
	b.wait("the change", `reads("#worker-live [data-label=Running]", "3")`)

	// Times move, and keep the exact time in the markup.
	age := `$("#worker-live [data-label=Started] time")`
	c.exec("update work.worker set started_at = now() - interval '20 s' where id = 'live'")
	b.wait("an age in seconds", `/^\d+ s ago$/.test(`+age+`.textContent)`)
	before := get[string](b, age+".textContent")
	b.wait("the age to grow", age+".textContent !== "+quote(before))
	if !get[bool](b, `new Date(`+age+`.dateTime).getTime() > 0 && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(`+age+`.title)`) {
		t.Errorf("the exact time is not in %s", get[string](b, age+".outerHTML"))
	}
	if shift := get[float64](b, "globalThis.shift"); shift >= 0.02 {
		t.Errorf("cumulative layout shift is %.3f, want below 0.02", shift)
	}
	if !get[bool](b, "globalThis.stayed === true") {
		t.Error("the page was reloaded")
	}
}

// movedRow reorders a list while a link in it has the focus, which moves along with its row.
func (c *testConsole) movedRow(t *testing.T) {
	c.exec("insert into river.river_queue (name, created_at, updated_at) values ('zz', now(), now())")
	_, b := c.openFor(t, "viewer")
	b.goTo("/console/queues")
	link := `$("#queue-zz th a")`
	place := `$$("#queues\\.list tbody tr").indexOf($("#queue-zz"))`
	before := get[int](b, link+".focus(), "+place)
	c.exec("update river.river_queue set paused_at = now(), updated_at = now() where name = 'zz'")
	b.wait("the row to move", place+" < "+strconv.Itoa(before))
	b.focused("document.activeElement === " + link)
}

// keyboard goes through the console by single letters, which can be turned off, and are letters where the operator types.
func (c *testConsole) keyboard(t *testing.T) {
	c.pretendWorker("keys-1")
	c.pretendWorker("keys-2")
	_, b := c.openFor(t, "viewer")
	b.expect("status of 404") // the pages whose address a row has
	b.goTo("/console/workers")
	row := `document.activeElement.matches(".grid tbody tr") && $$(".grid tbody tr").indexOf(document.activeElement)`
	b.keys("j")
	b.focused(row + " === 0")
	b.keys("j")
	b.focused(row + " === 1")
	b.keys("k")
	b.focused(row + " === 0")
	link := get[string](b, `document.activeElement.querySelector("a").getAttribute("href")`)

	b.keys("?")
	b.wait("the help", `seen($("#help"))`)
	b.sees("#help", "go to Workers")
	b.noViolations("the help")
	b.keys("j") // the dialog has the keys
	b.keys(kb.Escape)
	b.wait("the help to close", `!seen($("#help"))`)
	b.focused(row + " === 0")

	b.keys(kb.Enter)
	b.at(link)
	b.goTo("/console/workers")
	b.keys("g", "j")
	b.wait("the jobs", `location.pathname === "/console/jobs"`)
	b.goTo("/console/workers")
	b.keys("g", "w")
	b.wait("the workers", `location.pathname === "/console/workers"`)

	b.keys("?")
	b.click("label[for=keys-on]")
	b.keys(kb.Escape, "?", "j")
	if get[bool](b, `seen($("#help")) || document.activeElement.matches("tr")`) {
		t.Error("keys that are turned off act")
	}
	b.goTo("/console/workers")
	b.keys("?")
	if get[bool](b, `seen($("#help"))`) {
		t.Error("the choice is forgotten on the next page")
	}
	b.press("Keys")
	b.wait("the help", `seen($("#help"))`)
	b.click("label[for=keys-on]")
	b.keys(kb.Escape, "/")
	b.wait("the search", `location.pathname === "/console/jobs"`)
}

// palette finds places by a few letters.
func (c *testConsole) palette(t *testing.T) {
	_, b := c.openFor(t, "viewer")
	b.expect("status of 404")
	b.goTo("/console/workers")
	ctrlK := func() { b.run(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))) }
	ctrlK()
	b.wait("the pages", `seen($("#palette")) && $$("#palette [role=option]").length >= 5`)
	b.noViolations("the palette")
	b.keys("s", "e", "n", "d", "_", "i")
	b.sees("#palette [role=option]", c.broken.Kind)
	b.keys(kb.ArrowDown, kb.ArrowUp)
	if got := get[string](b, `plain($("#palette [aria-selected=true]").innerText)`); got != "kind "+c.broken.Kind {
		t.Errorf("the palette chose %q", got)
	}
	b.keys(kb.Escape)
	b.wait("the palette to close", `!seen($("#palette"))`)
	ctrlK()
	b.wait("the pages", `$$("#palette [role=option]").length >= 5`)
	b.keys("w", "o", "r", "k", "e", "r", "s")
	b.wait("the page", `plain($("#palette [aria-selected=true]").innerText) === "page Workers" && $$("#palette [role=option]").length < 5`)
	b.keys(kb.Enter)
	b.at("/console/workers")
}

// copy copies the statement behind a panel.
func (c *testConsole) copy(t *testing.T) {
	_, b := c.openFor(t, "viewer", onEveryPage(`
		const write = navigator.clipboard.writeText.bind(navigator.clipboard);
		navigator.clipboard.writeText = (text) => write(globalThis.copied = text);`))
	b.goTo("/console/workers?sql=workers.live")
	b.sees(".grid", "busy")
	b.press("Copy")
	b.sees("button", "Copied")
	if !get[bool](b, `globalThis.copied.startsWith("select worker") && globalThis.copied === $("#sql-text").textContent`) {
		t.Errorf("the clipboard has %q", get[string](b, "globalThis.copied"))
	}
}
