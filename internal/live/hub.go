// Package live keeps open pages current. A Hub passes notices from Postgres to the streams of this process by topic. A
// stream sends its page again, as a server-sent event, at each notice of its topic. A topic is any string, chosen by the
// caller.
package live

import (
	"log/slog"
	"sync"
)

// Hub passes notices to this process's open streams.
type Hub struct {
	log     *slog.Logger
	mu      sync.Mutex
	topics  map[string]map[chan struct{}]struct{}
	closing chan struct{}
	once    sync.Once
}

// NewHub returns a hub without streams. Listen passes notices to it.
func NewHub(log *slog.Logger) *Hub {
	return &Hub{log: log, topics: map[string]map[chan struct{}]struct{}{}, closing: make(chan struct{})}
}

// Tell makes the topic's streams send their page again.
func (h *Hub) Tell(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for changed := range h.topics[topic] {
		tell(changed)
	}
}

// TellAll makes all streams send their page again.
func (h *Hub) TellAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, streams := range h.topics {
		for changed := range streams {
			tell(changed)
		}
	}
}

// tell does not wait: a stream that has not yet handled a notice will read the newest state anyway.
func tell(changed chan<- struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

// Subscribe registers a stream of the topic. It returns nil if the topic already has most streams, because one client
// could open any number. The caller closes the subscription.
func (h *Hub) Subscribe(topic string, most int) *Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.topics[topic]) >= most {
		return nil
	}
	if h.topics[topic] == nil {
		h.topics[topic] = map[chan struct{}]struct{}{}
	}
	changed := make(chan struct{}, 1)
	h.topics[topic][changed] = struct{}{}
	return &Subscription{hub: h, topic: topic, changed: changed}
}

// Close ends every stream, so that the server can shut down; browsers connect again elsewhere.
func (h *Hub) Close() { h.once.Do(func() { close(h.closing) }) }

// Subscription is a stream's place in the hub.
type Subscription struct {
	hub     *Hub
	topic   string
	changed chan struct{}
}

// Close removes the stream from the hub.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.topics[s.topic], s.changed)
	if len(s.hub.topics[s.topic]) == 0 {
		delete(s.hub.topics, s.topic)
	}
}
