package app

import (
	"testing"
)

// withoutJavaScript looks, acts and undoes by links and forms.
func (c *testConsole) withoutJavaScript(t *testing.T) {
	c.pretendWorker("plain")
	_, b := c.openFor(t, "operator", withoutScripts())
	b.goTo("/console/workers")
	b.press("Drain plain")
	b.sees(".acted", "drain: worker plain")
	b.sees("#worker-plain", "draining")
	b.press("Undrain plain")
	b.sees("#worker-plain", "working")
	b.goTo("/console/find")
	b.fill("q", "send_inv")
	b.press("Find")
	b.sees("#places", c.broken.Kind)
}

// drainWorker drains a worker and takes that back, with the answer in the page at once.
func (c *testConsole) drainWorker(t *testing.T) {
	c.pretendWorker("drained")
	r, b := c.openFor(t, "operator")
	b.goTo("/console/workers")
	b.press("Drain drained")
	b.sees(".acted", "drain: worker drained by "+r.Email)
	b.sees("#worker-drained", "draining")
	b.press("Undrain drained")
	b.sees(".acted", "undrain: worker drained")
	b.sees("#worker-drained", "working")
	b.click(".acted-close")
	b.at("/console/workers")
	b.wait("the note to go", `!$(".acted")`)
}

// roles: a reader does not learn that there is a console, a viewer sees no buttons, and an open page ends with the role.
func (c *testConsole) roles(t *testing.T) {
	r := c.newReader(t, "Rita")
	b := c.openAs(t, r)
	b.expect("status of 404")
	b.goTo("/console/workers")
	b.sees("h1", "No such page")
	if get[bool](b, `!$(".masthead") || !!$(".rail")`) {
		t.Error("the console answers a reader without a role")
	}
	c.give(t, r, "viewer")
	b.goTo("/console/workers")
	b.sees(".rail", "viewer")
	b.sees("#worker-busy", "working")
	if get[bool](b, `!!$("main form, main .act")`) {
		t.Error("a viewer sees buttons")
	}
	if _, _, err := inProcess(t, map[string]string{"DATABASE_URL": c.db}, "operator", "remove", r.Email); err != nil {
		t.Fatal(err)
	}
	b.sees("#away", "This page is closed to you now")
}

// signInAndComeBack leads a visitor through the sign-in to the page that was asked for.
func (c *testConsole) signInAndComeBack(t *testing.T) {
	r := c.newReader(t, "Vic")
	c.give(t, r, "viewer")
	b := c.open(t)
	b.goTo("/console/workers?sql=workers.live")
	b.wait("the sign-in", `location.pathname === "/signin"`)
	b.fill("email", r.Email)
	b.fill("password", password)
	b.click("main button[type=submit]")
	b.at("/console/workers?sql=workers.live")
	b.sees("h1", "At work")
}

// passwordAgain acts twelve hours after the sign-in: the console asks for the password, and then does what was asked.
func (c *testConsole) passwordAgain(t *testing.T) {
	c.pretendWorker("late")
	r, b := c.openFor(t, "operator")
	b.expect("status of 403")
	b.goTo("/console/workers")
	c.exec("update session set created_at = created_at - interval '13 h' where reader_id = (select id from reader where email = $1)", r.Email)
	b.press("Drain late")
	b.sees("h1", "Your password, please")
	b.noViolations("the password again")
	b.fill("password", "not the password")
	b.press("Go on")
	b.sees(".field-error", "That is not the password of this account.")
	b.fill("password", password)
	b.press("Go on")
	b.sees(".acted", "drain: worker late")
	b.sees("#worker-late", "draining")
	b.press("Undrain late") // with the renewed session
	b.sees("#worker-late", "working")
}
