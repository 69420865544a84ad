// Package notice tells a reader's open pages that something of theirs has changed, through Postgres' NOTIFY.
package notice

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/backlist/backlist/internal/store"
)

// Channel is the channel that every web process listens on, with one connection however many readers it serves.
const Channel = "reader"

// What can change. Pages say which of them they show.
const (
	TopicRecommendations = "recommendations"
	TopicMail            = "mail"
)

// Notice is the payload: whose pages, and what has changed. What it became is for the page to read.
type Notice struct {
	ReaderID int64  `json:"reader"`
	Topic    string `json:"topic"`
}

// Payload is the notice as it is sent on the channel.
func Payload(readerID int64, topic string) string {
	payload, _ := json.Marshal(Notice{readerID, topic}) // a number and a string always can be
	return string(payload)
}

// Send queues the notice in tx: Postgres delivers it when tx commits, and not at all if it does not.
func Send(ctx context.Context, tx store.DBTX, readerID int64, topic string) error {
	if _, err := tx.Exec(ctx, "select pg_notify($1, $2)", Channel, Payload(readerID, topic)); err != nil {
		return fmt.Errorf("notify reader %d: %w", readerID, err)
	}
	return nil
}
