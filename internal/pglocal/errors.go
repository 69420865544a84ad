package pglocal

import "fmt"

// NoPostgresError says that the machine has no usable server programs and that they could not be downloaded.
type NoPostgresError struct {
	Major int   // the version that is needed, 0 = any from 15 on
	Cause error // why the download failed
}

func (e *NoPostgresError) Error() string {
	which := "version 15 or newer"
	if e.Major != 0 {
		which = fmt.Sprintf("version %d, which made the data at hand", e.Major)
	}
	return fmt.Sprintf("found no Postgres server on this machine (%s) and could not download one (%v): install it (Debian, Ubuntu: apt install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), or set DATABASE_URL to a server that you have",
		which, e.Cause)
}

func (e *NoPostgresError) Unwrap() error { return e.Cause }

// InUseError says that the folder belongs to a running process.
type InUseError struct {
	Dir string
	PID int // of its owner, or of the postmaster when several share it; 0 when unknown
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("already running: process %d uses the Postgres data in %s; stop it first, or choose another data folder", e.PID, e.Dir)
}

// VersionError says that the data were made by a major version of Postgres that is not at hand.
type VersionError struct {
	Dir  string // the cluster
	Data int    // its major version
	Have []int  // those at hand
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the data in %s were made by Postgres %d, but this machine has only version %s: install Postgres %d, or move that folder away to begin with new data",
		e.Dir, e.Data, list(e.Have), e.Data)
}

func list(majors []int) (text string) {
	for i, m := range majors {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(m)
	}
	return text
}
