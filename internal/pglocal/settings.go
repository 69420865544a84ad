package pglocal

import (
	"cmp"
	"strconv"
)

// arguments returns the server's command line. Settings stand there, not in postgresql.conf, so that the settings of a
// newer Backlist apply to older data.
func (s *Server) arguments(port int) []string {
	args := []string{"-D", s.path("data"), "-p", strconv.Itoa(port)}
	set := func(name, value string) { args = append(args, "-c", name+"="+value) }
	set("listen_addresses", "127.0.0.1")
	set("unix_socket_directories", "")
	set("max_connections", strconv.Itoa(cmp.Or(s.cfg.MaxConnections, 100)))
	set("shared_buffers", "128MB")
	set("max_wal_size", "512MB")
	set("timezone", "UTC")
	set("log_timezone", "UTC")
	set("logging_collector", "off") // stderr is postgres.log
	if s.cfg.Throwaway {
		set("fsync", "off")
		set("synchronous_commit", "off")
		set("full_page_writes", "off")
		set("wal_level", "minimal")
		set("max_wal_senders", "0") // wal_level minimal requires it
	}
	return args
}
