package pipeline

import (
	"fmt"
	"slices"
	"testing"

	"yunjian/analyzer"
	"yunjian/cloud"
)

// Only machines are learned from, the same ones in whatever order they come, and every
// id is read once.
func TestSampled(t *testing.T) {
	var inputs []analyzer.Input
	for i := range mostCompared + 500 {
		inputs = append(inputs,
			analyzer.Input{Resource: cloud.Resource{ID: fmt.Sprintf("d-%d", i), Kind: cloud.Disk}},
			analyzer.Input{Resource: cloud.Resource{ID: fmt.Sprintf("i-%d", i), Kind: cloud.Instance}})
	}
	inputs = append(inputs, analyzer.Input{Resource: cloud.Resource{ID: "i-7", Kind: cloud.Disk}})
	compared, others := sampled(inputs)
	if len(compared) != mostCompared || slices.ContainsFunc(compared, func(id string) bool { return id[0] != 'i' }) {
		t.Errorf("%d compared, such as %s", len(compared), compared[0])
	}
	all := slices.Concat(compared, others)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != len(compared)+len(others) || n != len(inputs)-1 {
		t.Errorf("%d and %d are %d of %d", len(compared), len(others), n, len(inputs))
	}
	slices.Reverse(inputs)
	if again, _ := sampled(inputs); !slices.Equal(again, compared) {
		t.Error("others are learned from when they come in another order")
	}
}
