package notice

import "testing"

// TestRead: a notice is for the topic at which the page's stream waits.
func TestRead(t *testing.T) {
	t.Parallel()
	got, err := Read(Payload(7, TopicMail))
	if err != nil || got != PageTopic(7, TopicMail) || got == PageTopic(7, TopicRecommendations) || got == PageTopic(77, TopicMail) {
		t.Errorf("%q, %v", got, err)
	}
	for _, payload := range []string{"", "7", `{"reader":"7"}`} {
		if got, err := Read(payload); err == nil {
			t.Errorf("%q is read as %q", payload, got)
		}
	}
}
