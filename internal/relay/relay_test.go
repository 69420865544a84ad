package relay_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/relay"
)

// TestRelay: each fault has the effect of its name.
func TestRelay(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_, _ = conn.Write([]byte("end"))
				conn.Close()
			}()
		}
	}()
	r, err := relay.New("127.0.0.1:0", echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		echoed(t, conn, "hello", time.Minute)
		return conn
	}
	cut := dial()
	r.Cut()
	if _, err := cut.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("after a reset: %v", err)
	}
	half := dial()
	r.Halve(false)
	if text, err := io.ReadAll(half); string(text) != "end" || err != nil {
		t.Errorf("after half-closing towards the server: %q, %v", text, err)
	}
	slow := dial()
	r.Slow(50 * time.Millisecond)
	if took := echoed(t, slow, "slow", time.Minute); took < 100*time.Millisecond {
		t.Errorf("delayed by only %s", took)
	}
	r.Slow(0)
	r.Distant(50 * time.Millisecond)
	if took := echoed(t, slow, "distant", time.Minute); took < 50*time.Millisecond {
		t.Errorf("at a distance of 50 ms it took %s", took)
	}
	r.Distant(0)
	quiet := dial()
	r.Hush()
	began := time.Now()
	if _, err := quiet.Write([]byte("psst")); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, r.Flow)
	if _, err := io.ReadFull(quiet, make([]byte, 4)); err != nil || time.Since(began) < 100*time.Millisecond {
		t.Errorf("after silence: %v in %s", err, time.Since(began))
	}
	down := dial()
	r.Down()
	if _, err := down.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the relay")
	}
	if _, err := net.Dial("tcp", r.Addr()); err == nil {
		t.Error("a relay that is down takes connections")
	}
	if err := r.Up(); err != nil {
		t.Fatal(err)
	}
	dial()
}

// echoed sends a word and waits for its echo.
func echoed(t *testing.T, conn net.Conn, word string, limit time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	_ = conn.SetDeadline(began.Add(limit))
	if _, err := conn.Write([]byte(word)); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, len(word))
	if _, err := io.ReadFull(conn, back); err != nil || string(back) != word {
		t.Fatalf("%q came back as %q: %v", word, back, err)
	}
	return time.Since(began)
}
