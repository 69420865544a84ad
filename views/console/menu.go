package console

import "time"

// Entry is an entry of the menu. Its key, after g, goes to the page.
type Entry struct{ Nav, Text, URL, Key string }

// Menu returns the entries of the console's menu.
func Menu() []Entry {
	return []Entry{
		{"overview", "Overview", Root, "o"},
		{"queues", "Queues", Root + "/queues", "q"},
		{"jobs", "Jobs", Root + "/jobs", "j"},
		{"errors", "Errors", Root + "/errors", "e"},
		{"workers", "Workers", Root + "/workers", "w"},
		{"scale", "Scale", Root + "/scale", "s"},
	}
}

// noTime is the time of what did not happen.
var noTime time.Time
