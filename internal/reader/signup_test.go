package reader

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/backlist/backlist/internal/form"
)

func TestSignUpCheck(t *testing.T) {
	t.Parallel()
	good := SignUp{Name: "  Odo   Proudfoot ", Email: " odo@example.com\n", Password: "  two spaces  "}
	s, err := good.Check()
	if err != nil || s.Name != "Odo Proudfoot" || s.Email != "odo@example.com" || s.Password != good.Password {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, tc := range []struct {
		what, field string
		change      func(s *SignUp)
	}{
		{"no name", "name", func(s *SignUp) { s.Name = " \t " }},
		{"a long name", "name", func(s *SignUp) { s.Name = strings.Repeat("ö", 10_000) }},
		{"a name with NUL", "name", func(s *SignUp) { s.Name = "O\x00do" }},
		{"a name that is not UTF-8", "name", func(s *SignUp) { s.Name = "Od\xff" }},
		{"no address", "email", func(s *SignUp) { s.Email = "" }},
		{"half an address", "email", func(s *SignUp) { s.Email = "odo@" }},
		{"an address with a name", "email", func(s *SignUp) { s.Email = "Odo <odo@example.com>" }},
		{"an address with a comment", "email", func(s *SignUp) { s.Email = "odo@example.com (Odo)" }},
		{"a quoted address", "email", func(s *SignUp) { s.Email = `"o d o"@example.com` }},
		{"two addresses", "email", func(s *SignUp) { s.Email = "odo@example.com,bilbo@example.com" }},
		{"an IP number", "email", func(s *SignUp) { s.Email = "odo@[127.0.0.1]" }},
		{"a header", "email", func(s *SignUp) { s.Email = "odo@example.com\r\nBcc: bilbo@example.com" }},
		{"an address with NUL", "email", func(s *SignUp) { s.Email = "odo\x00@example.com" }},
		{"an address that is not UTF-8", "email", func(s *SignUp) { s.Email = "od\xff@example.com" }},
		{"an invisible character", "email", func(s *SignUp) { s.Email = "odo\u200b@example.com" }},
		{"a second at sign in disguise", "email", func(s *SignUp) { s.Email = "odo＠evil.example@example.com" }},
		{"a long address", "email", func(s *SignUp) { s.Email = strings.Repeat("o", 250) + "@example.com" }},
		{"an address that folding makes long", "email", func(s *SignUp) { s.Email = strings.Repeat("\ufdfa", 20) + "@example.com" }},
		{"no password", "password", func(s *SignUp) { s.Password = "" }},
		{"a short password", "password", func(s *SignUp) { s.Password = "seven77" }},
		{"a long password", "password", func(s *SignUp) { s.Password = strings.Repeat("p", 201) }},
		{"the address as password", "password", func(s *SignUp) { s.Password = "ODO@example.com" }},
		{"a password with NUL", "password", func(s *SignUp) { s.Password = "eight\x00 letters" }},
		{"a password that is not UTF-8", "password", func(s *SignUp) { s.Password = "eight letters\xff" }},
	} {
		s := good
		tc.change(&s)
		_, err := s.Check()
		if v, ok := errors.AsType[form.Invalid](err); !ok || len(v) != 1 || !strings.HasSuffix(v[tc.field], ".") {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
	for _, email := range []string{"o.d+o@example.com", "odo@localhost", "ödo@bücher.example", "o'do@example.com"} {
		s := good
		s.Email = email
		if _, err := s.Check(); err != nil {
			t.Errorf("%s: %v", email, err)
		}
	}
	for _, password := range []string{"åäöåäöåä", strings.Repeat("ö", 200)} {
		if err := CheckPassword("odo@example.com", password); err != nil {
			t.Errorf("%s: %v", password, err)
		}
	}
	if err := CheckPassword("odo@example.com", "odo@example.com"); err == nil {
		t.Error("the address is accepted as password")
	}
}

func FuzzEmailKey(f *testing.F) {
	for _, s := range []string{"Odo@Example.com", " İ@x", "ｏｄｏ@example.com", "ẞ@x", "\u0345Α", "a\u0301\u00a0", "\ufdfa", "\xff", "K"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := EmailKey(s)
		if again := EmailKey(key); again != key {
			t.Errorf("%+q folds to %+q, and that to %+q", s, key, again)
		}
		if utf8.ValidString(s) && EmailKey(" "+s+"\n") != key {
			t.Errorf("%+q: outer space is significant", s)
		}
	})
}

func FuzzSignUpCheck(f *testing.F) {
	f.Add("Odo", "odo@example.com", "eight letters")
	f.Add("\x00", "odo@[::1]", "\xff")
	f.Add("", "＠@example.com", "")
	f.Fuzz(func(t *testing.T, name, email, password string) {
		s, err := SignUp{Name: name, Email: email, Password: password}.Check()
		if s.Password != password {
			t.Errorf("the password %q became %q", password, s.Password)
		}
		if err != nil {
			return
		}
		// Accepted input can be stored, and is one address both as typed and folded.
		if !form.Clean(s.Name) || s.Name == "" || utf8.RuneCountInString(s.Name) > 80 {
			t.Errorf("name %q", s.Name)
		}
		if key := EmailKey(s.Email); !form.Clean(key) || len(key) > maxEmail || len(s.Email) < 3 || strings.ContainsAny(s.Email+key, " <>\r\n,") {
			t.Errorf("address %q, folded %q", s.Email, key)
		}
		if _, err := s.Check(); err != nil {
			t.Errorf("checked twice: %v", err)
		}
	})
}
