// Package asset serves the stylesheet and the scripts, which are embedded in the
// binary. Each address contains a hash of the file's content, so that browsers
// may cache it forever. Files are served in bundles: the site's style sheet is
// app.css, the console's console.css, and both begin with css/*.css; likewise for
// scripts, because htmx starts as soon as its script has run and needs its
// extensions by then.
package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed static
var static embed.FS

type file struct {
	url, kind       string
	content, packed []byte
}

// load reads the files once, because embedded files do not change.
var load = sync.OnceValue(func() map[string]file {
	files := map[string]file{}
	add := func(name, kind string, content []byte) {
		sum := sha256.Sum256(content)
		ext := path.Ext(name)
		url := "/assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		files[name] = file{url, kind, content, pack(content)}
	}
	const css, js = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
	add("app.css", css, concat("\n", "static/css/*.css", "static/css/site/*.css"))
	add("console.css", css, concat("\n", "static/css/*.css", "static/css/console/*.css"))
	add("uplot.css", css, concat("\n", "static/uplot/*.css"))
	add("app.js", js, concat("\n;\n", "static/js/*.js", "static/js/site/*.js"))
	add("console.js", js, concat("\n;\n", "static/js/10-htmx.min.js", "static/js/console/*.js"))
	add("uplot.js", js, concat("\n;\n", "static/uplot/*.js"))
	for _, name := range glob("static/*.svg") {
		add(path.Base(name), "image/svg+xml", read(name))
	}
	return files
})

// Path returns the address of the file with this name, such as app.css. It
// panics if the name is unknown, which is a mistake in a template.
func Path(name string) string {
	f, ok := load()[name]
	if !ok {
		panic("asset: no file " + name)
	}
	return f.url
}

// Handler serves the addresses that Path returns, below /assets/.
func Handler() http.Handler {
	byURL := map[string]file{}
	for _, f := range load() {
		byURL[f.url] = f
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", f.kind)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Vary", "Accept-Encoding")
		body := f.content
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			body = f.packed
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(body) // fails only if the client has gone
		}
	})
}

// pack compresses a file, once for all requests.
func pack(content []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(content) // writing to a buffer cannot fail
	_ = w.Close()
	return b.Bytes()
}

// concat joins files in the order of their numbered names.
func concat(end string, patterns ...string) []byte {
	var all []byte
	for _, pattern := range patterns {
		for _, name := range glob(pattern) {
			all = append(append(all, read(name)...), end...)
		}
	}
	return all
}

// glob and read panic on an error, because only a faulty build lacks embedded files.
func glob(pattern string) []string {
	names, err := fs.Glob(static, pattern)
	if err != nil {
		panic(err)
	}
	return names
}

func read(name string) []byte {
	content, err := static.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return content
}
