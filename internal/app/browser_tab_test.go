package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in the browser. While it is open it collects faults, and having any fails its test: an error or warning
// in the console (a breach of the content policy is one), an exception, a request to another host.
type tab struct {
	t       *testing.T
	ctx     context.Context
	base    string
	mu      sync.Mutex
	faults  []string
	allowed []string // parts of console lines that the test itself provokes
}

// open opens a tab with a profile of its own: nobody is signed in.
func (s *testSite) open(t *testing.T, with ...step) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(s.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return watch(t, ctx, s.web.URL, with)
}

// openAs opens a tab in which r is signed in.
func (s *testSite) openAs(t *testing.T, r *account, with ...step) *tab {
	t.Helper()
	b := s.open(t, with...)
	for _, c := range r.cookies() {
		b.run(send(network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: b.base, Path: "/", Secure: new(true), HTTPOnly: new(true),
		}))
	}
	return b
}

// another opens a window beside b, of the same profile.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return watch(b.t, ctx, b.base, nil)
}

func watch(t *testing.T, ctx context.Context, base string, with []step) *tab {
	t.Helper()
	b := &tab{t: t, ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	b.run(append([]step{
		send(cdplog.Enable, cdp.Empty{}), send(network.Enable, network.EnableParams{}), window(1280, 900),
	}, with...)...)
	t.Cleanup(b.check)
	return b
}

func (b *tab) listen(event any) {
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			b.fault(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var said []string
			for _, arg := range e.Args {
				said = append(said, string(arg.Value)+arg.Description)
			}
			b.fault("console: " + strings.Join(said, " "))
		}
	case *runtime.EventExceptionThrown:
		b.fault("exception: " + (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || (u.Scheme != "data" && u.Scheme != "about" && u.Hostname() != "localhost") {
			b.fault("request to another host: " + e.Request.URL)
		}
	}
}

func (b *tab) fault(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, what)
}

// expect says that the console will mention what the test does on purpose, such as a page with status 404.
func (b *tab) expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, parts...)
}

func (b *tab) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		allowed := false
		for _, part := range b.allowed {
			allowed = allowed || strings.Contains(fault, part)
		}
		if !allowed {
			b.t.Errorf("the browser reported: %s", fault)
		}
	}
}

func (b *tab) run(steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// step is something to do in a tab.
type step = chromedp.Action[chromedp.Void]

// send is a command of the DevTools protocol whose answer does not matter.
func send[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// window is a screen of that size with a mouse.
func window(width, height int64) step { return chromedp.EmulateViewport(width, height) }

// phone is a screen of 375 by 740 points that is touched.
func phone() step {
	return chromedp.EmulateViewport(375, 740, chromedp.EmulateMobile, chromedp.EmulateTouch)
}

// scheme is what the reader's system prefers: light or dark.
func scheme(name string) step {
	return send(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// withoutScripts switches the page's own scripts off.
func withoutScripts() step {
	return send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// fresh runs a script at the start of every page.
func fresh(script string) step {
	return send(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// goTo opens a page of the site and waits until it is loaded.
func (b *tab) goTo(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base + path))
}

// evaluate returns the value of an expression; where it is a promise, what that resolves to. It works where the page's own
// scripts are switched off, too.
func evaluate[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	await := func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }
	return chromedp.Run(ctx, chromedp.Evaluate[T](eyes+"\n"+expression, await))
}

// eyes are what tests see a page with. A name is what stands on a control, with what only screen readers say.
const eyes = `{
	globalThis.$ = (selector) => document.querySelector(selector);
	globalThis.$$ = (selector) => [...document.querySelectorAll(selector)];
	globalThis.plain = (text) => text.replace(/\s+/g, " ").trim();
	globalThis.seen = (e) => !!e && e.checkVisibility({opacityProperty: false, visibilityProperty: true}) && e.getClientRects().length > 0;
	globalThis.named = (name, within) => [...document.querySelectorAll((within || "body") + " :is(a[href], button)")]
		.find((e) => seen(e) && (plain(e.textContent) === name || e.getAttribute("aria-label") === name));
	globalThis.reads = (selector, words) => $$(selector).some((e) => seen(e) && plain(e.innerText).includes(words));
}`

// wait waits until the page is loaded and condition holds there, and fails the test with what the page shows otherwise.
func (b *tab) wait(what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	var last error
	for time.Now().Before(deadline) {
		ok, err := evaluate[bool](b, `document.readyState === "complete" && !!(`+condition+`)`)
		if ok {
			return
		}
		last = err
		<-time.After(20 * time.Millisecond) // a page that is being replaced has nothing that could tell us
	}
	b.show()
	b.t.Fatalf("waited for %s in vain: %s (%v)", what, condition, last)
}

// sees waits for words that can be seen in an element.
func (b *tab) sees(selector, words string) {
	b.t.Helper()
	b.wait(fmt.Sprintf("%q in %s", words, selector), fmt.Sprintf("reads(%s, %s)", quote(selector), quote(words)))
}

// at waits for a page by its path and query.
func (b *tab) at(path string) {
	b.t.Helper()
	b.wait("the page "+path, "location.pathname + location.search === "+quote(path))
}

// get returns the value of an expression.
func get[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := evaluate[T](b, expression)
	if err != nil {
		b.show()
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// quote writes s for JavaScript.
func quote(s string) string {
	text, _ := json.Marshal(s) // strings always can be
	return string(text)
}

// show leaves what the page looks like beside the test's output.
func (b *tab) show() {
	if text, err := evaluate[string](b, "location.href + ' (' + document.visibilityState + ') ' + plain(document.body.innerText)"); err == nil {
		b.t.Logf("the page: %.2000s", text)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return
	}
	file := filepath.Join(b.t.ArtifactDir(), "page.png")
	if err := os.WriteFile(file, picture, 0o600); err == nil {
		b.t.Log("a picture of it:", file)
	}
}
