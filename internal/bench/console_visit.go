package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// operator is a person who looks at the console, as a browser does.
type operator struct {
	addr    string // of the web process: host and port
	cookies []*http.Cookie
	client  *http.Client // keeps its connections open
}

// document is an answer as a browser gets it.
type document struct {
	text string
	wire int // bytes of its body as sent
	took time.Duration
}

func (o *operator) request(ctx context.Context, path string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.addr+path, nil)
	if err != nil {
		return nil, err
	}
	for _, cookie := range o.cookies {
		r.AddCookie(cookie)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	return r, nil
}

// get loads an address. The time ends with the last byte; unpacking is not part of it.
func (o *operator) get(ctx context.Context, path string) (d document, err error) {
	r, err := o.request(ctx, path)
	if err != nil {
		return d, err
	}
	began := time.Now()
	resp, err := o.client.Do(r)
	if err != nil {
		return d, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	d.wire, d.took = len(body), time.Since(began)
	if err != nil {
		return d, err
	}
	if resp.StatusCode != http.StatusOK {
		return d, fmt.Errorf("%s answered %s", path, resp.Status)
	}
	d.text, err = unpacked(resp, body)
	return d, err
}

func unpacked(resp *http.Response, body []byte) (string, error) {
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return string(body), nil
	}
	unpack, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(unpack)
	return string(text), err
}

// late reports whether a panel of the page lacks its rows, because its statement was cancelled or failed.
func (d document) late() bool { return strings.Contains(d.text, `class="panel-age"`) }

var (
	assetAddress   = regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)
	panelStatement = regexp.MustCompile(`class="panel-sql" href="([^"]+)"`)
	panelVersion   = regexp.MustCompile(`id="([^"]+)" data-version="([^"]*)"`)
	streamAddress  = regexp.MustCompile(`data-live="([^"]+)"`)
)

// assets returns the bytes on the wire of the files that the page refers to, except those of uPlot.
func (o *operator) assets(ctx context.Context, d document) (bytes int, err error) {
	seen := map[string]bool{}
	for _, match := range assetAddress.FindAllStringSubmatch(d.text, -1) {
		address := match[1]
		if seen[address] || strings.HasPrefix(address, "/assets/uplot.") {
			continue
		}
		seen[address] = true
		file, err := o.get(ctx, address)
		if err != nil {
			return bytes, err
		}
		bytes += file.wire
	}
	return bytes, nil
}

// stream returns the address of the stream that keeps the page current, asked as the page's script does.
func (d document) stream() (string, bool) {
	match := streamAddress.FindStringSubmatch(d.text)
	if match == nil {
		return "", false
	}
	address, sep := html.UnescapeString(match[1]), "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	var have []string
	for _, panel := range panelVersion.FindAllStringSubmatch(d.text, -1) {
		have = append(have, html.UnescapeString(panel[1])+"~"+panel[2])
	}
	return address + sep + "have=" + strings.Join(have, "%2C"), true
}
