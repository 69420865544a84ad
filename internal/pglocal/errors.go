package pglocal

import "fmt"

// NoPostgresError means that the machine has no usable server programs and that they could not be downloaded.
type NoPostgresError struct {
	Major int   // the version that is needed; 0: any from 15 on
	Cause error // why the download failed
}

func (e *NoPostgresError) Error() string {
	which := "version 15 or newer"
	if e.Major != 0 {
		which = fmt.Sprintf("version %d, which made the existing data", e.Major)
	}
	return fmt.Sprintf("found no Postgres server on this machine (%s) and could not download one (%v): install it (Debian, Ubuntu: apt install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), or set DATABASE_URL to a server that you have",
		which, e.Cause)
}

func (e *NoPostgresError) Unwrap() error { return e.Cause }

// InUseError means that a running process uses the folder.
type InUseError struct {
	Dir string
	PID int // of its owner, or of the postmaster if it is shared; 0: unknown
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("already running: process %d uses the Postgres data in %s; stop it first, or choose another data folder", e.PID, e.Dir)
}

// VersionError means that a major version of Postgres that is not installed made the data.
type VersionError struct {
	Dir  string // the cluster
	Data int    // its major version
	Have []int  // those installed
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the data in %s were made by Postgres %d, but this machine has only version %s: install Postgres %d, or move that folder away to start with new data",
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
