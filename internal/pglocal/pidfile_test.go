package pglocal

import (
	"fmt"
	"strings"
	"testing"
)

func FuzzParsePIDFile(f *testing.F) {
	whole := "4711\n/var/tmp/pg/data\n1793000000\n40321\n\n127.0.0.1\n  8394245         2\nready   \n"
	f.Add(whole)
	f.Add(whole[:strings.Index(whole, "\nready")])
	f.Add("-4711\n\n\n5432\n") // a stand-alone backend writes its pid as a negative number
	f.Add("")
	f.Add("1\n\n\n0\n\n\n\nready\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parsePIDFile(text)
		if err != nil {
			if file != (pidFile{}) {
				t.Errorf("%v and the error %v", file, err)
			}
			return
		}
		if file.pid <= 1 || file.port < 1 || file.port > 65535 { // signals are sent to this process
			t.Errorf("accepted %+v", file)
		}
		again, err := parsePIDFile(fmt.Sprintf("%d\n\n\n%d\n\n\n\n%s\n", file.pid, file.port, strings.ReplaceAll(file.status, "\n", "")))
		if err != nil || again.pid != file.pid || again.port != file.port || again.status != file.status {
			t.Errorf("%+v, then %+v, %v", file, again, err)
		}
	})
}
