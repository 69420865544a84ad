package mail

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/store"
)

// PageSize is the number of messages on a page of the mailbox.
const PageSize = 20

// List returns a page (from 1) of a reader's messages, the newest first, the page's number, and the number of pages (at
// least 1). For a page out of range it returns the nearest page.
func List(ctx context.Context, db pipeline.DB, readerID int64, page int) (messages []store.Message, current, last int, err error) {
	current = min(max(page, 1), lastPage)
	var count int64
	err = pipeline.Together(ctx, db,
		func(db pipeline.DB) (err error) { count, err = store.New().MessageCount(ctx, db, readerID); return err },
		func(db pipeline.DB) (err error) { messages, err = onPage(ctx, db, readerID, current); return err })
	if err != nil {
		return nil, 0, 0, fmt.Errorf("read the mailbox: %w", err)
	}
	if last = max(1, int((count+PageSize-1)/PageSize)); current > last {
		current = last
		if messages, err = onPage(ctx, db, readerID, current); err != nil {
			return nil, 0, 0, fmt.Errorf("read the mailbox: %w", err)
		}
	}
	for i := range messages {
		title(&messages[i])
	}
	return messages, current, last, nil
}

// lastPage bounds page numbers, so that an offset fits an int32.
const lastPage = 1 << 20

func onPage(ctx context.Context, db store.DBTX, readerID int64, page int) ([]store.Message, error) {
	return store.New().MessageList(ctx, db, store.MessageListParams{
		ReaderID: readerID, Size: PageSize, Skip: int32((page - 1) * PageSize),
	})
}

// Get returns one of a reader's messages, or pgx.ErrNoRows, also where the message is another reader's.
func Get(ctx context.Context, db store.DBTX, readerID, id int64) (store.Message, error) {
	m, err := store.New().MessageGet(ctx, db, id, readerID)
	if err != nil {
		return store.Message{}, fmt.Errorf("read message %d: %w", id, err)
	}
	title(&m)
	return m, nil
}

// title gives a message that was never written a subject.
func title(m *store.Message) {
	if m.Subject == "" {
		m.Subject = Kind(m.Kind).Title()
	}
}

// IsUnread reports whether a message has reached its final state and the reader has not opened it. A message without text
// was held back before it was written: there is nothing to read.
func IsUnread(m store.Message) bool {
	return m.ReadAt == nil && (m.State == StateSent || m.State == StateFailed || m.State == StateUnconfirmed) && m.BodyText != ""
}

// MarkRead records that the reader has opened a message, if it IsUnread. It ignores another reader's message.
func MarkRead(ctx context.Context, db store.DBTX, readerID, id int64) error {
	if _, err := store.New().MessageRead(ctx, db, id, readerID); err != nil {
		return fmt.Errorf("mark message %d as read: %w", id, err)
	}
	return nil
}

// Unread counts the messages of a reader that are unread, as IsUnread says.
func Unread(ctx context.Context, db store.DBTX, readerID int64) (int, error) {
	n, err := store.New().MessageUnread(ctx, db, readerID)
	if err != nil {
		return 0, fmt.Errorf("count unread mail: %w", err)
	}
	return int(n), nil
}
