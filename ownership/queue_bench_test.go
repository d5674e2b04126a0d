package ownership

import (
	"fmt"
	"testing"

	"yunjian/cloud"
)

// A thousand orphans in a group of 100,000 resources of as many applications.
func BenchmarkQueue(b *testing.B) {
	var fleet []cloud.Resource
	for i := range 100_000 {
		r := cloud.Resource{ID: fmt.Sprint(i), Kind: cloud.Instance, Name: fmt.Sprintf("应用-%d", i), ResourceGroup: "default", PrivateIP: "10.0.0.1"}
		if i >= 1000 {
			r.Department, r.Application = fmt.Sprint("单位", i%2000), fmt.Sprint("应用", i)
		}
		fleet = append(fleet, r)
	}
	for b.Loop() {
		Queue(fleet)
	}
}
