package asset_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/backlist/backlist/views/asset"
)

func TestPathIsHashedAndServed(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"app.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		path := asset.Path(name)
		if !regexp.MustCompile(`^/assets/[a-z.-]+\.[0-9a-f]{12}\.(css|js|svg)$`).MatchString(path) {
			t.Errorf("%s is at %s", name, path)
		}
		w := get(path, "")
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}

func TestStylesheetIsWhole(t *testing.T) {
	t.Parallel()
	css := get(asset.Path("app.css"), "").Body.String()
	tokens, lists := strings.Index(css, "--paper:"), strings.Index(css, ".mail-list")
	if tokens < 0 || lists < tokens {
		t.Errorf("tokens at %d, lists at %d", tokens, lists)
	}
	if strings.Contains(css, "http:") || strings.Contains(css, "https:") {
		t.Error("the stylesheet names an outside host")
	}
}

func TestScriptsAreWholeAndInOrder(t *testing.T) {
	t.Parallel()
	js := get(asset.Path("app.js"), "").Body.String()
	htmx, sse, own := strings.Index(js, "var htmx"), strings.Index(js, `registerExtension("sse"`), strings.Index(js, "What htmx leaves to us")
	if htmx < 0 || sse < htmx || own < sse {
		t.Errorf("htmx at %d, its extension at %d, our own at %d", htmx, sse, own)
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	plain, packed := get(asset.Path("app.js"), ""), get(asset.Path("app.js"), "br, gzip;q=0.8")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Body.Len()*2 > plain.Body.Len() {
		t.Errorf("%q, %d of %d bytes", packed.Header().Get("Content-Encoding"), packed.Body.Len(), plain.Body.Len())
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	if w := get("/assets/app.css", ""); w.Code != http.StatusNotFound {
		t.Errorf("an address without a hash: %d", w.Code)
	}
	defer func() {
		if recover() == nil {
			t.Error("Path took an unknown name")
		}
	}()
	asset.Path("missing.css")
}

func get(path, encoding string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", encoding)
	asset.Handler().ServeHTTP(w, r)
	return w
}
