package pglocal

import (
	"cmp"
	"strconv"
)

// arguments are the server's command line. Settings are given there, not in postgresql.conf, so that a
// newer Backlist's settings hold for older data.
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
		set("max_wal_senders", "0") // wal_level minimal asks for it
	}
	return args
}
