package app

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/backlist/backlist/internal/mail"
)

// TestBrowser uses the site as readers do and the console as operators do, with one Chromium against real processes. Every tab
// also collects faults (see tab).
func TestBrowser(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	t.Run("readers", func(t *testing.T) {
		t.Parallel()
		readersInBrowser(t, browser)
	})
	t.Run("imports", func(t *testing.T) {
		t.Parallel()
		importInBrowser(t, browser)
	})
	t.Run("operators", func(t *testing.T) {
		t.Parallel()
		operatorsInBrowser(t, browser)
	})
	t.Run("lab", func(t *testing.T) {
		t.Parallel()
		labInBrowser(t, browser)
	})
}

// readersInBrowser has a web and a worker process, a seeded database and a mail server.
func readersInBrowser(t *testing.T, browser context.Context) {
	s := openSite(t, browser)
	// First, while no worker runs, because arrival shows a reader who waits for the list.
	t.Run("arrival", s.arrival)
	s.startWorker()
	t.Run("journeys", func(t *testing.T) {
		walk(t, []journey{
			{"accessibility", s.accessibility}, // the longest first
			{"without JavaScript", s.withoutJavaScript},
			{"sign-up to recommendations", s.signUpToRecommendations},
			{"keyboard", s.keyboard},
			{"phone", s.phone},
			{"dark mode", s.darkMode},
			{"two tabs and a restart", s.twoTabsAndARestart},
			{"a late answer", s.lateAnswer},
			{"a long run", s.longRun},
		})
	})
}

// journey is a use of the site or the console.
type journey struct {
	name string
	walk func(*testing.T)
}

func walk(t *testing.T, journeys []journey) {
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			j.walk(t)
		})
	}
}

// testSite is the site that the journeys share.
type testSite struct {
	t       *testing.T // outlives the journeys
	db      string
	sink    *mail.Sink
	web     *process
	worker  *process
	browser context.Context
}

func openSite(t *testing.T, browser context.Context) *testSite {
	t.Helper()
	sink, err := mail.StartSink(mail.SinkConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() })
	s := &testSite{t: t, db: seeded(t), sink: sink, browser: browser}
	s.web = s.startWeb(t, "0")
	return s
}

func (s *testSite) startWeb(t *testing.T, port string) *process {
	t.Helper()
	return start(t, s.db, []string{"PORT=" + port}, "web")
}

// startWorker starts the worker once; a second call does nothing.
func (s *testSite) startWorker() {
	if s.worker == nil {
		s.worker = start(s.t, s.db, []string{"SMTP_URL=" + s.sink.URL()}, "worker")
	}
}

func findChromium() string {
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// openBrowser starts the test's only Chromium, in which each journey has a profile of its own.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path := findChromium()
	if path == "" {
		const lack = "no Chromium (chromium, chromium-browser, google-chrome) on this machine: the browser journeys need one"
		if os.Getenv("BACKLIST_CI") != "" {
			t.Fatal(lack)
		}
		t.Skip(lack)
	}
	profile, err := os.MkdirTemp("", "backlist-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(profile); err != nil {
			t.Log(err)
		}
	})
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(profile),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true), chromedp.WSURLReadTimeout(patience))
	if os.Geteuid() == 0 {
		flags = append(flags, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(stop)
	browser, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil {
			t.Log("close Chromium:", err)
		}
		closeBrowser()
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start %s: %v", filepath.Base(path), err)
	}
	return browser
}

// account is a reader whom a test creates and moves by HTTP, to begin a journey further along.
type account struct {
	t     *testing.T
	base  string
	http  *http.Client
	Email string
}

// password is the password of every account.
const password = "a long enough password"

// newReader signs up.
func (s *testSite) newReader(t *testing.T, name string) *account {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &account{t: t, base: s.web.URL, Email: address(t, name), http: &http.Client{Jar: secureOnLocalhost{jar}}}
	r.post("/signup", url.Values{"name": {name}, "email": {r.Email}, "password": {password}})
	if len(r.cookies()) == 0 {
		t.Fatal("signing up set no cookie")
	}
	return r
}

// address returns an e-mail address that no other journey uses.
func address(t *testing.T, name string) string {
	journey := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(t.Name()))
	return strings.ToLower(name) + "." + journey + "@readers.example"
}

func (r *account) post(path string, form url.Values) {
	r.t.Helper()
	res, err := r.http.PostForm(r.base+path, form)
	if err != nil {
		r.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		r.t.Fatalf("POST %s: %s", path, res.Status)
	}
}

func (r *account) rate(stars string, books ...string) {
	r.t.Helper()
	for _, book := range books {
		r.post(book+"/rating", url.Values{"stars": {stars}})
	}
}

func (r *account) shelve(status string, books ...string) {
	r.t.Helper()
	for _, book := range books {
		r.post(book+"/shelf", url.Values{"status": {status}})
	}
}

func (r *account) cookies() []*http.Cookie {
	u, _ := url.Parse(r.base) // ours
	return r.http.Jar.Cookies(u)
}

// secureOnLocalhost keeps Secure cookies for http://localhost, as browsers do.
type secureOnLocalhost struct{ http.CookieJar }

func (j secureOnLocalhost) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(asHTTPS(u), cookies)
}

func (j secureOnLocalhost) Cookies(u *url.URL) []*http.Cookie {
	return j.CookieJar.Cookies(asHTTPS(u))
}

func asHTTPS(u *url.URL) *url.URL {
	secure := *u
	secure.Scheme = "https"
	return &secure
}
