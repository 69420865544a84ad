package mail

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Key returns the form of an address that identifies accounts and suppressions: trimmed, in lower case, normalised
// (NFKC), and with its domain in ASCII, because some browsers submit büro.example as typed and others as
// xn--bro-hoa.example. Dots and plus signs stay: only the address's own server knows their meaning.
func Key(address string) string {
	// NFKC can produce new capitals, and lower-casing new combinations, so both run again.
	key := strings.TrimSpace(norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(address)))))
	if folded, err := ASCIIDomain(key); err == nil {
		return folded
	}
	return key
}

// ASCIIDomain returns an address with its domain as DNS and SMTP carry it. The part before the @ is unchanged.
func ASCIIDomain(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	host, err := asciiHost(address[at+1:])
	return address[:at+1] + host, err
}

// maxHost is in bytes. DNS names have at most 253 characters, and a name has at least as many in ASCII as in Unicode.
const maxHost = 4 * 253

// asciiHost returns a host name in its ASCII form (IDNA). An ASCII name is returned unchanged.
func asciiHost(host string) (string, error) {
	if isASCII(host) {
		return host, nil
	}
	if len(host) > maxHost { // Punycode takes quadratic time
		return "", errors.New("the host name is too long")
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return "", fmt.Errorf("the host name %q is not valid: %w", host, err)
	}
	return ascii, nil
}

// mailDomain returns a host in the form that follows the @ of an address, and EHLO: an IP address stands in brackets
// (RFC 5321, 4.1.3).
func mailDomain(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return host
	case ip.Is4():
		return "[" + host + "]"
	}
	return "[IPv6:" + ip.WithZone("").String() + "]"
}

// domain returns the part of an address after the @.
func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// localPart returns the part of an address before the @.
func localPart(address string) string { return address[:max(0, strings.LastIndexByte(address, '@'))] }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
