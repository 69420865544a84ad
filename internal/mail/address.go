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

// Key folds an address to what makes it unique, for accounts and for suppressions: no outer space, lower case, Unicode's
// compatible forms (NFKC) made one, and the domain in ASCII, since some browsers submit büro.example as it was typed and
// others as xn--bro-hoa.example. Dots and plus signs stay: what they mean is for the address's own server to say.
func Key(address string) string {
	// NFKC can bring out new capitals and lower-casing new combinations, hence once more.
	key := strings.TrimSpace(norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(address)))))
	if folded, err := ASCIIDomain(key); err == nil {
		return folded
	}
	return key
}

// ASCIIDomain returns an address with its domain as DNS and SMTP carry it. The part before the @ stays as it is.
func ASCIIDomain(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	host, err := asciiHost(address[at+1:])
	return address[:at+1] + host, err
}

// maxHost is in bytes. DNS has names of 253 characters, and none is shorter in ASCII than it is in Unicode's characters.
const maxHost = 4 * 253

// asciiHost returns a host name in its ASCII form (IDNA). A name that is ASCII already is returned as it is.
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

// mailDomain is a host as the part of an address after the @, in EHLO too: an IP number is in brackets (RFC 5321, 4.1.3).
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

// domain is what follows the @ of an address.
func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// localPart is what precedes the @ of an address.
func localPart(address string) string { return address[:max(0, strings.LastIndexByte(address, '@'))] }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
