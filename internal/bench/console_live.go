package bench

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// counted counts the bytes that are read from a body.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// updates reads the page's stream for a while and returns the bytes on the wire of each event. A page without one has none.
func (o *operator) updates(ctx context.Context, path string, during time.Duration) (sizes []float64, err error) {
	page, err := o.get(ctx, path)
	if err != nil {
		return nil, err
	}
	address, ok := page.stream()
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, during)
	defer cancel()
	r, err := o.request(ctx, address)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return nil, unlessOver(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != "gzip" {
		return nil, fmt.Errorf("%s answered %s, not a packed stream", address, resp.Status)
	}
	wire := &counted{Reader: resp.Body}
	unpack, err := gzip.NewReader(wire)
	if err != nil {
		return nil, unlessOver(ctx, err)
	}
	lines, before, data := bufio.NewReader(unpack), 0, false
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return sizes, unlessOver(ctx, err)
		}
		if line != "\n" {
			data = data || line[0] == 'd' // not a ping
			continue
		}
		if data {
			sizes = append(sizes, float64(wire.n-before))
		}
		before, data = wire.n, false
	}
}

// unlessOver returns err, or nil if the time of a stream ended it.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watched runs fn while n pages are open.
func (o *operator) watched(ctx context.Context, path string, n int, fn func() error) error {
	open, leave := context.WithCancel(ctx)
	defer leave()
	var group errgroup.Group
	for range n {
		group.Go(func() error {
			_, err := o.updates(open, path, time.Hour)
			return unlessOver(open, err)
		})
	}
	err := fn()
	leave()
	return errors.Join(err, group.Wait())
}
