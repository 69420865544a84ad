package drill

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// post is a role that always has a process: when the process ends, another is started at once, as on a platform.
type post struct {
	mu  sync.Mutex
	now *process
}

// supervise runs a post for each role until the scenario is over, and waits until all of them serve.
func (s *stage) supervise(ctx context.Context, databaseURL string, roles ...Role) (posts []*post, err error) {
	for _, role := range roles {
		first, err := s.start(role, databaseURL)
		if err != nil {
			return nil, err
		}
		p := &post{now: first}
		posts = append(posts, p)
		s.watching.Go(func() { s.keepRunning(p, databaseURL) })
	}
	for _, p := range posts {
		if err := s.await(ctx, p.process()); err != nil {
			return nil, err
		}
	}
	return posts, nil
}

func (s *stage) keepRunning(p *post, databaseURL string) {
	for {
		ended := p.process()
		<-ended.Done()
		next, err := s.start(ended.role, databaseURL)
		if errors.Is(err, errClosing) {
			return
		}
		if err != nil {
			s.result.fail("restart %s: %v", ended.role.Name, err)
			return
		}
		p.mu.Lock()
		p.now = next
		p.mu.Unlock()
	}
}

func (p *post) process() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// killBusy kills, with SIGKILL, the process of a random post that runs jobs at this moment.
func (s *stage) killBusy(ctx context.Context, posts []*post) error {
	var victim *process
	err := poll(ctx, readyLimit, "a worker is busy", func() bool {
		victim = posts[rand.IntN(len(posts))].process()
		return victim.running() && s.journal.busy(victim.name) > 0
	})
	if err != nil {
		return err
	}
	victim.hit = time.Now()
	victim.Kill()
	<-victim.Done()
	return nil
}
