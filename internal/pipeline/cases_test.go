package pipeline

import (
	"testing"
	"time"

	"yunjian/notice"
)

// TestQuiet: what people settled is not brought before them again the next morning; what
// the data took back is, as soon as the data says so.
func TestQuiet(t *testing.T) {
	settled := time.Date(2026, 12, 4, 16, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		state  notice.State
		reason string
		after  time.Duration
		want   bool
	}{
		{"dismissed", "in_use", time.Hour, true},
		{"dismissed", "in_use", quietAfter, false},
		{"rolled_back", "service_harmed", time.Hour, true},
		{withdrawn, "objection_upheld", time.Hour, true},
		{withdrawn, "objection_upheld", quietAfter, false},
		{withdrawn, "not_advised", time.Hour, false},
		{withdrawn, "issued_in_error", time.Hour, false},
		{"expired", "", time.Hour, false},
	} {
		c := notice.Case{State: x.state, History: []notice.Step{{At: settled, Reason: x.reason}}}
		if got := (CaseOptions{Now: settled.Add(x.after)}).quiet(c); got != x.want {
			t.Errorf("%s %s after %s: quiet %v, want %v", x.state, x.reason, x.after, got, x.want)
		}
	}
}
