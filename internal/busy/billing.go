package busy

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// sendInvoice is the kind that a release breaks: most of its jobs fail under the newer release, and none under the older one.
type sendInvoice struct {
	InvoiceID     int64  `json:"invoice_id"`
	OrderID       int64  `json:"order_id"`
	CustomerEmail string `json:"customer_email"`
}

func (sendInvoice) Kind() string { return brokenKind }

// Secrets names the personal data, which views hide.
func (sendInvoice) Secrets() []string { return []string{"customer_email"} }

func (sendInvoice) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "billing", MaxAttempts: 2, Tags: []string{"invoice", "mail"}}
}

// brokenKind is the kind that the newer release breaks.
const brokenKind = "send_invoice"

type sendInvoiceWorker struct {
	river.WorkerDefaults[sendInvoice]
	*shop
}

func (w *sendInvoiceWorker) Work(ctx context.Context, job *river.Job[sendInvoice]) error {
	if err := w.query(ctx, "load the invoice", 3*time.Millisecond); err != nil {
		return err
	}
	work.Log(ctx).InfoContext(ctx, "invoice loaded", "invoice_id", job.Args.InvoiceID, "lines", 1+job.Args.OrderID%5)
	if w.release == newerRelease && job.Args.OrderID%5 != 0 {
		net := 10 + float64(job.Args.OrderID%40)
		return fmt.Errorf("invoice %d: the lines add up to %.2f, but the total is %.2f", job.Args.InvoiceID, net, net*1.07)
	}
	return call(ctx, "send", 40*time.Millisecond)
}

// chargeCard fails for good where the bank declines the card.
type chargeCard struct {
	OrderID   int64  `json:"order_id"`
	CardToken string `json:"card_token"`
}

func (chargeCard) Kind() string { return "charge_card" }

func (chargeCard) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "billing", Priority: 1}
}

type chargeCardWorker struct {
	river.WorkerDefaults[chargeCard]
}

func (w *chargeCardWorker) Work(ctx context.Context, job *river.Job[chargeCard]) error {
	if err := call(ctx, "ask the bank", 120*time.Millisecond); err != nil {
		return err
	}
	if job.Args.OrderID%17 == 3 {
		return work.Permanent(fmt.Errorf("the bank declined the card of order %d: code 51, insufficient funds", job.Args.OrderID))
	}
	return nil
}
