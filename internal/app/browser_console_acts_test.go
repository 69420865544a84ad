package app

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"
)

// write types text into the field that an expression finds.
func (b *tab) write(field, text string) {
	b.t.Helper()
	b.wait("the field "+field, "seen("+field+")")
	get[bool](b, field+".focus(), "+field+".select(), true")
	b.run(send(input.InsertText, input.InsertTextParams{Text: text}))
}

// pauseQueue pauses a queue with a reason, and resumes it.
func (c *testConsole) pauseQueue(t *testing.T) {
	_, b := c.openFor(t, "operator")
	b.goTo("/console/queues?q=billing")
	b.click("main tbody summary")
	b.write(`$("main tbody details[open] [name=reason]")`, "the mail server is down")
	b.press("Pause billing")
	b.sees(".acted", "pause: queue billing")
	b.sees("main tbody", "“the mail server is down”")
	b.click("main tbody summary")
	b.press("Resume billing")
	b.sees(".acted", "resume: queue billing")
	b.wait("the queue to go on", `!reads("main tbody", "“the mail server is down”")`)
}

// waitTarget sets a queue's wait target, and removes it.
func (c *testConsole) waitTarget(t *testing.T) {
	_, b := c.openFor(t, "operator")
	b.goTo("/console/queues?target=billing")
	b.write(`$("#target [name=share]")`, "99.5")
	b.write(`$("#target [name=within]")`, "8 s")
	b.press("Set the wait target")
	b.sees("main", "8 s")
	b.press("Remove the target of billing")
	b.wait("the target to go", `!named("Remove the target of billing")`)
}

// saveSearch searches by the line with its suggestions, and saves the search.
func (c *testConsole) saveSearch(t *testing.T) {
	_, b := c.openFor(t, "operator")
	b.goTo("/console/jobs")
	b.keys("/")
	b.focused(`document.activeElement === $("#q")`)
	b.write(`$("#q")`, "sta") // replaces the character that the driver types after a key that the page took
	b.sees("#suggestions", "state:")
	b.write(`$("#q")`, "kind:"+c.broken.Kind+" state:discarded")
	b.press("Search")
	b.wait("the jobs", `$$("main [data-pick]").length > 5`)
	b.clickOn(`$$("summary").find((e) => e.textContent === "Save this search")`)
	b.write(`$("#view-name")`, "Broken invoices")
	b.keys(kb.Enter) // an update may move the button between a look at it and a click
	b.wait("the saved search", `named("Broken invoices")`)
	b.press("Delete the search Broken invoices")
	b.wait("it to go", `!named("Broken invoices")`)
}

// bulk retries ticked jobs after a preview, and undoes that. Ticks hold changes back.
func (c *testConsole) bulk(t *testing.T) {
	_, b := c.openFor(t, "operator")
	list := "/console/jobs?q=kind%3A" + c.broken.Kind + "+state%3Adiscarded"
	b.goTo(list)
	b.keys("j", "x", "j", "x")
	b.wait("two ticks", `$$("[data-pick]:checked").length === 2`)
	b.press("2 ticked …")
	b.sees(".plan-count", "2 jobs")
	b.noViolations("a preview")
	b.fitsWindow("a preview", 375)
	b.press("Retry 2 jobs")
	b.sees(".bulk", "2 changed")
	b.press("Undo")
	b.wait("the undo to be done", `$$(".bulk").filter((e) => plain(e.innerText).includes("2 changed")).length === 2`)
	b.goTo(list)
	b.wait("the jobs", `$$("main [data-pick]").length > 5`)
}
