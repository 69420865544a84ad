package drill

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sent is the client's own log: the keys that it requested, and which of them were acknowledged.
type sent struct {
	mu           sync.Mutex
	acknowledged map[string]bool // false: requested, but refused or not answered
	reasons      []string        // the first few
}

func (l *sent) note(key string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[key] = err == nil
	if err != nil && len(l.reasons) < 5 {
		l.reasons = append(l.reasons, err.Error())
	}
}

// count returns the number of requested keys.
func (l *sent) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// load sends requests at a constant rate, independently of their results, like real clients.
type load struct {
	done  chan struct{} // closed when all requests have ended
	stop  context.CancelFunc
	mu    sync.Mutex
	count int
}

// senders is the maximum number of concurrent requests.
const senders = 32

// send starts to request n steps at a rate per second, from a web process or a balancer.
func (s *stage) send(ctx context.Context, addr string, n int, rate float64, step func(i int) Step) *load {
	ctx, stop := context.WithCancel(ctx)
	l := &load{done: make(chan struct{}), stop: stop}
	due := make(chan Step)
	var wg sync.WaitGroup
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	for range senders {
		wg.Go(func() {
			for step := range due {
				s.sent.note(step.Key, ask(client, addr, step))
			}
		})
	}
	go func() {
		defer close(l.done)
		defer client.CloseIdleConnections()
		defer wg.Wait()
		defer close(due)
		began := time.Now()
		for i := range n {
			timer := time.NewTimer(time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
			next := step(i)
			next.Key = fmt.Sprintf("%s-%06d", s.result.Scenario, s.keys.Add(1))
			select {
			case due <- next:
			case <-ctx.Done():
				return
			}
			l.mu.Lock()
			l.count++
			l.mu.Unlock()
		}
	}()
	return l
}

// asked returns the number of requests sent.
func (l *load) asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// ask sends one request, and returns nil if it was acknowledged.
func ask(client *http.Client, addr string, step Step) error {
	form := url.Values{
		"key": {step.Key}, "millis": {strconv.Itoa(step.Millis)}, "how": {step.How}, "output": {step.Output}, "note": {step.Note},
	}
	res, err := client.Post("http://"+addr+"/steps", "application/x-www-form-urlencoded", strings.NewReader(form.Encode())) // the client has a timeout
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 300))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", res.Status, text)
	}
	return nil
}

// usual is the mix of steps in most scenarios: up to 50 ms, but one in fifty takes one to three seconds, and a quarter are brief jobs.
func usual(int) Step {
	if rand.IntN(4) == 0 {
		return Step{How: small}
	}
	if rand.IntN(50) == 0 {
		return Step{Millis: 1000 + rand.IntN(2000)}
	}
	return Step{Millis: rand.IntN(51)}
}

// enqueue stores steps at once, without a web process. They count as acknowledged.
func (s *stage) enqueue(ctx context.Context, steps ...Step) error {
	first := s.sent.count()
	for i := range steps {
		steps[i].Key = fmt.Sprintf("%s-own-%06d", s.result.Scenario, first+i)
	}
	if err := enqueue(ctx, s.pool, s.jobs, steps...); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	for _, step := range steps {
		s.sent.note(step.Key, nil)
	}
	return nil
}
