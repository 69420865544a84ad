package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/store"
)

func TestDeliver(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	id := b.queue(t, KindWelcome)
	if m := b.message(t, id); m.State != StateQueued || m.Subject != "Welcome to Backlist" || !strings.HasPrefix(m.MessageID, "welcome-") {
		t.Fatalf("queued as %+v", m)
	}
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil {
		t.Fatalf("job %s, %v", state, err)
	}
	m := b.message(t, id)
	if m.State != StateSent || m.Transport != TransportSMTP || m.SentAt == nil || m.Subject != "A welcome letter" ||
		!strings.Contains(m.BodyText, "Good news.") || b.sink.Count() != 1 {
		t.Errorf("sent as %+v, %d mails", m, b.sink.Count())
	}
	if n, err := Unread(t.Context(), b.tx, b.reader); n != 1 || err != nil {
		t.Errorf("%d unread, %v", n, err)
	}
	if err := b.worker.Deliver(t.Context(), id); err != nil || b.sink.Count() != 1 {
		t.Errorf("a second delivery: %v, %d mails", err, b.sink.Count())
	}
}

// TestDeliverTellsReadersNothingInternal: the job's error shows how the site reaches its mail server, the mailbox does
// not.
func TestDeliverTellsReadersNothingInternal(t *testing.T) {
	t.Parallel()
	plain := func(line string, say io.Writer) bool { return polite(line, say) }
	closed := func(string, io.Writer) bool { return false }
	b := setup(t, SinkConfig{ascii: true})
	for smtpURL, want := range map[string]string{
		"smtp://127.0.0.1:1":                         "127.0.0.1:1",
		"smtp://odo:geheim@" + startScript(t, plain): "check the port in SMTP_URL",
		"smtp://" + startScript(t, closed):           "EOF",
	} {
		for _, last := range []bool{false, true} {
			b.worker.Sender = newSender(t, smtpURL)
			id := b.queue(t, KindWelcome)
			if last {
				b.onlyOneLeft(t, id)
			}
			_, err := b.work(t, id)
			if m := b.message(t, id); !strings.HasSuffix(m.Error, ": the site cannot reach its mail server, or is not let in.") {
				t.Errorf("%s: the mailbox says %q", smtpURL, m.Error)
			}
			if !last && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s: the job's error is %v, want %q", smtpURL, err, want)
			}
		}
	}
	b.worker.Sender = newSender(t, b.sink.URL())
	id := b.queue(t, KindWelcome)
	if _, err := b.tx.Exec(t.Context(), "update message set to_address = 'jörg@reader.example' where id = $1", id); err != nil {
		t.Fatal(err)
	}
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil {
		t.Errorf("job %s, %v", state, err)
	}
	if m := b.message(t, id); m.State != StateFailed || !strings.HasPrefix(m.Error, "It cannot be sent: the mail server cannot send to an address with letters beyond ASCII") {
		t.Errorf("%s: %s", m.State, m.Error)
	}
}

func TestDeliverOutcomes(t *testing.T) {
	t.Parallel()
	grey := rcptRefuses(refuse(450, smtp.EnhancedCode{4, 7, 1}, "Come back later"))
	for name, c := range map[string]struct {
		sink     SinkConfig
		kind     Kind
		last     bool
		job      rivertype.JobState
		state    string
		sentence string
	}{
		"retries":               {grey, KindWelcome, false, rivertype.JobStateRetryable, StateQueued, "450 4.7.1 Come back later"},
		"gives up":              {grey, KindWelcome, true, rivertype.JobStateCompleted, StateFailed, "Given up"},
		"fails for good":        {rcptRefuses(refuse(552, smtp.EnhancedCode{5, 2, 2}, "Full")), KindWelcome, false, rivertype.JobStateCompleted, StateFailed, "552 5.2.2 Full"},
		"loses the reply":       {cutsAfterAccept(), KindReady, false, rivertype.JobStateCompleted, StateUnconfirmed, "may have arrived"},
		"loses a reset's reply": {cutsAfterAccept(), KindReset, false, rivertype.JobStateRetryable, StateUnconfirmed, "once more"},
		"loses the last reply":  {cutsAfterAccept(), KindReset, true, rivertype.JobStateCompleted, StateUnconfirmed, "may have arrived"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.sink)
			id := b.queue(t, c.kind)
			if c.last {
				b.onlyOneLeft(t, id)
			}
			state, err := b.work(t, id)
			if m := b.message(t, id); state != c.job || m.State != c.state || !strings.Contains(m.Error, c.sentence) {
				t.Errorf("job %s (%v), message %s: %s", state, err, m.State, m.Error)
			}
			if (err != nil) != (c.job == rivertype.JobStateRetryable) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestDeliverAfterGreylisting(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	b := setup(t, SinkConfig{rcpt: func(string) error {
		if tries.Add(1) == 1 {
			return refuse(450, smtp.EnhancedCode{4, 7, 1}, "Come back later")
		}
		return nil
	}})
	id := b.queue(t, KindWelcome)
	if _, err := b.work(t, id); err == nil {
		t.Fatal("the first attempt was not refused")
	}
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil {
		t.Fatalf("job %s, %v", state, err)
	}
	if m := b.message(t, id); m.State != StateSent || m.Error != "" || b.sink.Count() != 1 {
		t.Errorf("message %s: %q, %d mails", m.State, m.Error, b.sink.Count())
	}
}

// TestDeliverDeath: the worker dies between the server's 250 and our commit.
func TestDeliverDeath(t *testing.T) {
	t.Parallel()
	for kind, c := range map[Kind]struct {
		state string
		mails int
	}{KindWelcome: {StateUnconfirmed, 1}, KindReady: {StateUnconfirmed, 1}, KindReset: {StateSent, 2}} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t, SinkConfig{})
			id := b.queue(t, kind)
			b.worker.DB, b.worker.Patience = &failing{b.tx, 1}, time.Millisecond
			if _, err := b.work(t, id); !errors.Is(err, errGone) {
				t.Fatalf("the attempt did not die: %v", err)
			}
			if m := b.message(t, id); m.State != StateSending || b.sink.Count() != 1 {
				t.Fatalf("message %s, %d mails", m.State, b.sink.Count())
			}
			b.worker.DB, b.worker.Patience = b.tx, 0
			state, err := b.work(t, id)
			m := b.message(t, id)
			if state != rivertype.JobStateCompleted || err != nil || m.State != c.state || b.sink.Count() != c.mails {
				t.Errorf("job %s (%v), message %s: %q, %d mails", state, err, m.State, m.Error, b.sink.Count())
			}
			if c.state == StateUnconfirmed && !strings.Contains(m.Error, "not sent a second time") {
				t.Errorf("sentence %q", m.Error)
			}
		})
	}
}

// TestDeliverOverRestart: the database is unavailable for a moment right after the letter was sent.
func TestDeliverOverRestart(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	id := b.queue(t, KindWelcome)
	b.worker.DB = &restarting{failing: failing{b.tx, 1}, away: 2}
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil {
		t.Fatalf("job %s, %v", state, err)
	}
	if m := b.message(t, id); m.State != StateSent || b.sink.Count() != 1 {
		t.Errorf("message %s, %d mails", m.State, b.sink.Count())
	}
}

// restarting is a database that fails for some transactions.
type restarting struct {
	failing
	away int
}

func (r *restarting) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := r.failing.Begin(ctx)
	if err != nil && r.away > 0 {
		r.away--
		return tx, err
	}
	if err != nil {
		return r.DB.Begin(ctx)
	}
	return tx, err
}

func TestDeliverSecret(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	for range 2 {
		b.queue(t, KindReset)
	}
	rows, _ := b.tx.Query(t.Context(), "select id from message order by id")
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.work(t, ids[0]); err != nil {
		t.Fatal(err)
	}
	b.worker.Sender = nil
	if _, err := b.work(t, ids[1]); err != nil {
		t.Fatal(err)
	}
	if sent := b.sink.Messages(); len(sent) != 1 || !bytes.Contains(sent[0].Data, []byte("/reset/token-1")) {
		t.Errorf("the letter was sent without its link: %d mails", len(sent))
	}
	for i, sentence := range []string{"it went out with the mail", "sends no mail yet"} {
		if m := b.message(t, ids[i]); strings.Contains(m.BodyText, "token-") || !strings.Contains(m.BodyText, sentence) {
			t.Errorf("kept:\n%s", m.BodyText)
		}
	}
}

func TestDeliverWithoutServer(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	b.worker.Sender = nil
	id := b.queue(t, KindReady)
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil {
		t.Fatalf("job %s, %v", state, err)
	}
	m := b.message(t, id)
	if m.State != StateSent || m.Transport != TransportMailbox || !strings.Contains(m.BodyText, "/unsubscribe/"+Token(secret, b.reader, KindReady)) {
		t.Errorf("message %+v", m)
	}
}

func TestDeliverWithoutServerDeath(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	b.worker.Sender, b.worker.DB, b.worker.Patience = nil, &failing{b.tx, 1}, time.Millisecond
	id := b.queue(t, KindWelcome)
	if _, err := b.work(t, id); !errors.Is(err, errGone) {
		t.Fatal(err)
	}
	b.worker.DB, b.worker.Patience = b.tx, 0 // nothing was sent, so the result is known
	if _, err := b.work(t, id); err != nil || b.message(t, id).State != StateSent {
		t.Errorf("message %+v, %v", b.message(t, id), err)
	}
}

func TestDeliverSuppression(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{rcpt: func(to string) error { return refuse(550, smtp.EnhancedCode{5, 1, 1}, "No "+to) }})
	first := b.queue(t, KindWelcome)
	if state, err := b.work(t, first); state != rivertype.JobStateCompleted || err != nil || b.message(t, first).State != StateFailed {
		t.Fatalf("job %s, %v", state, err)
	}
	second := b.queue(t, KindReady)
	b.worker.Sender = newSender(t, "smtp://127.0.0.1:1") // an attempt to send would return another sentence
	if state, err := b.work(t, second); state != rivertype.JobStateCompleted || err != nil {
		t.Fatalf("job %s, %v", state, err)
	}
	if m := b.message(t, second); m.State != StateFailed || !strings.Contains(m.Error, "Nothing is sent to this address any more") {
		t.Errorf("message %s: %s", m.State, m.Error)
	}
}

func TestDeliverNotWanted(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	wrote := false
	b.worker.Composers[KindReady] = func(ctx context.Context, tx pgx.Tx, m store.Message, _ string) (Letter, error) {
		_, err := tx.Exec(ctx, "update reader set name = 'Someone else' where id = $1", m.ReaderID)
		wrote = err == nil
		return Letter{}, fmt.Errorf("reader %d: %w", m.ReaderID, ErrGone)
	}
	id := b.queue(t, KindReady)
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil || !wrote {
		t.Fatalf("job %s, %v", state, err)
	}
	var name string
	if err := b.tx.QueryRow(t.Context(), "select name from reader where id = $1", b.reader).Scan(&name); err != nil || name != "Odo" {
		t.Errorf("the composer's write was not rolled back: %s, %v", name, err)
	}
	if m := b.message(t, id); m.State != StateFailed || !strings.Contains(m.Error, "no longer wanted") || b.sink.Count() != 0 {
		t.Errorf("message %s: %s", m.State, m.Error)
	}
	if n, err := Unread(t.Context(), b.tx, b.reader); n != 0 || err != nil {
		t.Errorf("%d unread, %v", n, err)
	}
}

func TestDeliverDeletedAccount(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	id := b.queue(t, KindWelcome)
	if _, err := b.tx.Exec(t.Context(), "delete from reader where id = $1", b.reader); err != nil {
		t.Fatal(err)
	}
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil || b.sink.Count() != 0 {
		t.Errorf("job %s, %v, %d mails", state, err, b.sink.Count())
	}
}

// TestDeliverDeletedMeanwhile deletes the account while the letter is being sent.
func TestDeliverDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	var b *testBundle
	b = setup(t, SinkConfig{verdict: func(net.Conn, SinkMessage) error {
		_, err := b.tx.Exec(context.Background(), "delete from reader where id = $1", b.reader)
		return err
	}})
	id := b.queue(t, KindWelcome)
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil || b.sink.Count() != 1 {
		t.Errorf("job %s, %v, %d mails", state, err, b.sink.Count())
	}
}

func TestDeliverCannotCompose(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	id := b.queue(t, "postcard") // of a newer release
	if state, err := b.work(t, id); state != rivertype.JobStateRetryable || err == nil || b.message(t, id).State != StateQueued {
		t.Errorf("job %s, %v", state, err)
	}
	b.onlyOneLeft(t, id)
	if state, err := b.work(t, id); state != rivertype.JobStateCompleted || err != nil || b.message(t, id).State != StateFailed {
		t.Errorf("the last attempt: job %s, %v, message %s", state, err, b.message(t, id).State)
	}
}

// TestDeliverStopped stops the worker while the mail server hangs.
func TestDeliverStopped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cause error
		state string
	}{
		"stopping":  {nil, StateQueued},
		"cancelled": {rivertype.ErrJobCancelledRemotely, StateFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			b := setup(t, hangsAt("RCPT", func() { cancel(c.cause) }))
			id := b.queue(t, KindWelcome)
			err := b.worker.Deliver(ctx, id)
			if m := b.message(t, id); err == nil || m.State != c.state || m.Transport != TransportSMTP {
				t.Errorf("message %s: %q, %v", m.State, m.Error, err)
			}
			if c.state == StateQueued && !errors.Is(err, context.Canceled) {
				t.Errorf("River returns the attempt only after a context error, not after %v", err)
			}
		})
	}
}

func TestNextRetry(t *testing.T) {
	t.Parallel()
	for failure, want := range map[int]time.Duration{1: 10 * time.Second, 2: time.Minute, 5: 2 * time.Hour, 11: 4 * time.Hour} {
		const rescues = 2 // recorded among the job's errors, but not failures
		job := &river.Job[DeliverArgs]{JobRow: &rivertype.JobRow{
			Attempt: failure + rescues, Metadata: []byte(`{"rescues": 2}`), Errors: make([]rivertype.AttemptError, failure-1+rescues),
		}}
		got := time.Until((&DeliverWorker{}).NextRetry(job))
		if got < want*88/100 || got > want*111/100 {
			t.Errorf("after failure %d: %s, want about %s", failure, got, want)
		}
	}
}
