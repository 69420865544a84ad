// Package notice tells a reader's open pages that their content has changed, through Postgres's NOTIFY.
package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/backlist/backlist/internal/store"
)

// Channel is the channel on which every web process listens, with one connection for all its readers.
const Channel = "reader"

// The topics of a notice. A page subscribes to those that it shows.
const (
	TopicRecommendations = "recommendations"
	TopicMail            = "mail"
	TopicImport          = "import"
)

// Notice is the payload: the reader and the topic that has changed. The page reads the new content itself.
type Notice struct {
	ReaderID int64  `json:"reader"`
	Topic    string `json:"topic"`
}

// Payload returns a notice in the form that is sent on the channel.
func Payload(readerID int64, topic string) string {
	payload, _ := json.Marshal(Notice{readerID, topic}) // a number and a string cannot fail
	return string(payload)
}

// Read returns the topic of the notice with this payload, as PageTopic names it.
func Read(payload string) (string, error) {
	var n Notice
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		return "", err
	}
	return PageTopic(n.ReaderID, n.Topic), nil
}

// PageTopic names what a reader's page shows, for the hub that its stream waits at.
func PageTopic(readerID int64, topic string) string {
	return "reader/" + strconv.FormatInt(readerID, 10) + "/" + topic
}

// Send queues the notice in tx. Postgres delivers it when tx commits, and drops it if tx is rolled back.
func Send(ctx context.Context, tx store.DBTX, readerID int64, topic string) error {
	if _, err := tx.Exec(ctx, "select pg_notify($1, $2)", Channel, Payload(readerID, topic)); err != nil {
		return fmt.Errorf("notify reader %d: %w", readerID, err)
	}
	return nil
}
