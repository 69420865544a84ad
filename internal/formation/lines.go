package formation

import "bytes"

// lineLimit is the length at which a longer line is split, as a platform splits it.
const lineLimit = 10_000

// lines is a writer that passes on each line, without its end.
type lines struct {
	each func(line string)
	rest []byte // the line so far
}

func (l *lines) Write(text []byte) (int, error) {
	n := len(text)
	for len(text) > 0 {
		line, after, ended := bytes.Cut(text, []byte{'\n'})
		part := line[:min(len(line), lineLimit-len(l.rest))]
		l.rest = append(l.rest, part...)
		switch {
		case len(part) < len(line):
			text = text[len(part):]
		case ended:
			text = after
		default:
			return n, nil
		}
		l.pass()
	}
	return n, nil
}

// end passes on a last line without an end.
func (l *lines) end() {
	if len(l.rest) > 0 {
		l.pass()
	}
}

func (l *lines) pass() {
	l.each(string(l.rest))
	l.rest = l.rest[:0]
}
