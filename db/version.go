package db

// JobsVersion returns the version of schema jobs that this binary installs, as jobs.version() does.
func JobsVersion() string { return jobsVersion() }
