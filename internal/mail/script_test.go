package mail

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// script is a mail server that a test writes. It is called with each line from the client ("" for the greeting) and
// writes its reply to say. It returns false to hang up.
type script func(line string, say io.Writer) bool

// startScript serves s on a local port for the duration of the test, and returns the address.
func startScript(t *testing.T, s script) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return listener.Addr().String()
}

func (s script) serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for more := s("", conn); more && lines.Scan(); {
		line := lines.Text()
		if more = s(line, conn); line == "DATA" {
			for lines.Scan() && lines.Text() != "." {
			}
			more = s(".", conn)
		}
	}
}

// polite replies to a line as a server that accepts all mail and offers these extensions.
func polite(line string, say io.Writer, extensions ...string) bool {
	verb, _, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "":
		fmt.Fprint(say, "220 ready\r\n")
	case "EHLO":
		fmt.Fprint(say, "250-hello\r\n")
		for _, e := range extensions {
			fmt.Fprintf(say, "250-%s\r\n", e)
		}
		fmt.Fprint(say, "250 8BITMIME\r\n")
	case "DATA":
		fmt.Fprint(say, "354 go on\r\n")
	case "QUIT":
		fmt.Fprint(say, "221 bye\r\n")
		return false
	default:
		fmt.Fprint(say, "250 ok\r\n")
	}
	return true
}
