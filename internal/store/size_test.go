package store

import (
	"testing"

	"pgregory.net/rapid"

	"yunjian/cloud"
)

// What a change says of a size is read back as it was.
func TestSizeOfAChangeIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := cloud.Resource{
			Kind: cloud.Instance, VCPU: rapid.IntRange(0, 256).Draw(t, "cores"), MemoryGiB: float64(rapid.IntRange(0, 4096).Draw(t, "half GiB")) / 2,
			InstanceType: rapid.SampledFrom([]string{"", "ecs.g7.2xlarge", "odd type"}).Draw(t, "type"),
		}
		vcpu, memory, typ, ok := ParseInstanceSize(size(r))
		if ok != (r.VCPU > 0 && r.MemoryGiB > 0) || ok && (vcpu != r.VCPU || memory != r.MemoryGiB || typ != r.InstanceType) {
			t.Fatalf("%q: %d vCPU, %v GiB, %q, %v", size(r), vcpu, memory, typ, ok)
		}
	})
	for _, text := range []string{"", "8 vCPU", "32 GiB", "-8 vCPU 32 GiB", "8 vCPU NaN GiB", "8 GiB 32 vCPU", "ecs.g7.large"} {
		if _, _, _, ok := ParseInstanceSize(text); ok {
			t.Errorf("%q is read as a size", text)
		}
	}
}
