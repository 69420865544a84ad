package db

// JobsVersion is the text of schema jobs that this binary installs, as jobs.version() names it.
func JobsVersion() string { return jobsVersion() }
