package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/notice"
)

// maxStreams bounds the open pages of one reader: a browser keeps few, a script could keep many.
const maxStreams = 10

// subject is what a page shows: a topic of a reader.
type subject struct {
	readerID int64
	topic    string
}

// Hub hands notices from Postgres to the open pages of this process. It uses one connection however many readers there
// are.
type Hub struct {
	log     *slog.Logger
	mu      sync.Mutex
	pages   map[subject]map[chan struct{}]struct{}
	closing chan struct{}
	once    sync.Once
}

// NewHub returns a hub without pages; Listen feeds it.
func NewHub(log *slog.Logger) *Hub {
	return &Hub{log: log, pages: map[subject]map[chan struct{}]struct{}{}, closing: make(chan struct{})}
}

// Listen receives notices until ctx ends. When the connection is lost it connects again, every half second, and then
// tells every page to look, since it may have missed something.
func (h *Hub) Listen(ctx context.Context, cfg *pgx.ConnConfig) {
	for first := true; ctx.Err() == nil; first = false {
		err := h.listen(ctx, cfg, !first)
		if ctx.Err() != nil {
			return
		}
		h.log.WarnContext(ctx, "the notice listener lost its connection", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (h *Hub) listen(ctx context.Context, cfg *pgx.ConnConfig, again bool) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "listen "+notice.Channel); err != nil {
		return err
	}
	if again {
		h.tellAll()
	}
	for {
		n, err := next(ctx, conn)
		if err != nil {
			return err
		}
		if n == nil {
			continue
		}
		var what notice.Notice
		if err := json.Unmarshal([]byte(n.Payload), &what); err != nil {
			h.log.WarnContext(ctx, "a notice could not be read", "payload", n.Payload, "err", err)
			continue
		}
		h.tell(subject{what.ReaderID, what.Topic})
	}
}

// next waits for a notice. Where none has come for a while it asks whether the server is still there, and returns nil: a
// connection whose other end has vanished would be waited on for ever.
func next(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	const quiet, answer = 15 * time.Second, 5 * time.Second
	wait, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	n, err := conn.WaitForNotification(wait)
	if err == nil || ctx.Err() != nil || wait.Err() == nil {
		return n, err
	}
	ping, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	return nil, conn.Ping(ping)
}

func (h *Hub) tell(about subject) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for page := range h.pages[about] {
		look(page)
	}
}

func (h *Hub) tellAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, pages := range h.pages {
		for page := range pages {
			look(page)
		}
	}
}

// look never waits: a page that has yet to look will see the newest state anyway.
func look(page chan struct{}) {
	select {
	case page <- struct{}{}:
	default:
	}
}

// open registers a page; done must be called when it is gone. ok is false if the reader has too many of them.
func (h *Hub) open(about subject) (changed <-chan struct{}, done func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.pages[about]) >= maxStreams {
		return nil, nil, false
	}
	page := make(chan struct{}, 1)
	if h.pages[about] == nil {
		h.pages[about] = map[chan struct{}]struct{}{}
	}
	h.pages[about][page] = struct{}{}
	return page, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.pages[about], page)
		if len(h.pages[about]) == 0 {
			delete(h.pages, about)
		}
	}, true
}

// Close ends every stream, so that the server can shut down; browsers connect again elsewhere.
func (h *Hub) Close() { h.once.Do(func() { close(h.closing) }) }
