package busy

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// deliverWebhook calls a partner's server, which may be down, busy or gone.
type deliverWebhook struct {
	OrderID       int64  `json:"order_id"`
	Event         string `json:"event"`
	URL           string `json:"url"`
	SigningSecret string `json:"signing_secret"`
}

// newWebhook returns the args of the call for an order.
func newWebhook(orderID int64, event string) deliverWebhook {
	return deliverWebhook{
		OrderID: orderID, Event: event, URL: fmt.Sprintf("https://partner-%d.example/hooks", orderID%9),
		SigningSecret: fmt.Sprintf("whsec_%08x", orderID*2654435761%(1<<32)),
	}
}

func (deliverWebhook) Kind() string { return "deliver_webhook" }

func (deliverWebhook) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "webhooks", MaxAttempts: 3, Tags: []string{"partner"}}
}

type deliverWebhookWorker struct {
	river.WorkerDefaults[deliverWebhook]
}

func (w *deliverWebhookWorker) Work(ctx context.Context, job *river.Job[deliverWebhook]) error {
	if err := call(ctx, "POST", 80*time.Millisecond); err != nil {
		return err
	}
	id := job.Args.OrderID
	switch {
	case id%61 == 7:
		return work.Permanent(fmt.Errorf("POST %s: 410 Gone", job.Args.URL))
	case id%31 == 5 && work.Failures(job.JobRow) == 0:
		return work.RetryAfter(fmt.Errorf("POST %s: 429 Too Many Requests, quota of order %d used up", job.Args.URL, id), 2*time.Minute)
	case id%23 == 4:
		return fmt.Errorf("POST %s: 503 Service Unavailable after %dms", job.Args.URL, 500+id%400)
	case id%13 == 2 && work.Failures(job.JobRow) == 0:
		return fmt.Errorf("dial tcp 203.0.113.%d:443: connect: connection refused", 1+id%200)
	}
	return nil
}
