package mail

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// Draft is a message to queue. Key identifies it ("welcome:42", "ready:42:2026-11-23"); SubjectID is the row it is
// about, which its kind's composer knows; To is the reader's address at this moment.
type Draft struct {
	ReaderID  int64
	Kind      Kind
	Key       string
	SubjectID *int64
	To        string
}

// Queue records a message and enqueues its delivery, both in tx. A second call with the same key changes nothing and
// returns false.
func Queue(ctx context.Context, tx pgx.Tx, jobs *work.Client, d Draft) (queued bool, err error) {
	id, recorded, err := Record(ctx, tx, d)
	if err != nil || !recorded {
		return false, err
	}
	if _, err := jobs.InsertTx(ctx, tx, DeliverArgs{MessageID: id}, nil); err != nil {
		return false, fmt.Errorf("enqueue message %s: %w", d.Key, err)
	}
	return true, notice.Send(ctx, tx, d.ReaderID, notice.TopicMail)
}

// Record records a message in tx without enqueueing its delivery, for a caller who delivers it. A second call with the same key
// changes nothing and returns false.
func Record(ctx context.Context, tx pgx.Tx, d Draft) (id int64, recorded bool, err error) {
	id, err = store.New().MessageInsert(ctx, tx, store.MessageInsertParams{
		ReaderID: d.ReaderID, Kind: string(d.Kind), Key: d.Key, MessageID: messageID(d.Key), SubjectID: d.SubjectID,
		ToAddress: d.To,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("record message %s: %w", d.Key, err)
	}
	return id, true, nil
}

// messageID returns the part of the Message-ID header before the @; the sender's domain follows it. It depends on the
// key alone, so that mail programs recognise a duplicate.
func messageID(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_':
			return r
		}
		return '-'
	}, key)
}
