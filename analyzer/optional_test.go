package analyzer

import (
	"testing"

	"yunjian/cloud"
)

// No source observes that it lacks an optional metric: a rule that names it is told so
// all the same, and does not wait for samples that will not come.
func TestMissingOptionalMetricIsNotOffered(t *testing.T) {
	for m, want := range map[cloud.Metric]string{cloud.StealPercent: CodeNotOffered, cloud.NetworkInBPS: CodeNoData} {
		if got := missing(m, "", "").Code; got != want {
			t.Errorf("%s never asked for: %s, want %s", m, got, want)
		}
	}
	if got := missing(cloud.StealPercent, cloud.Stopped, "").Code; got != CodeStopped {
		t.Errorf("steal of a machine that is off: %s, want %s", got, CodeStopped)
	}
}
