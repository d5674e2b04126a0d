package recommender

import (
	"fmt"
	"math"
	"strings"

	"yunjian/cloud"
)

// Kin names machines that do the same and may wake up together: of one
// high-availability group; else of one application and role, the role being the
// name without its number; else, where neither is known, of one size and
// about the same median CPU, percent.
func Kin(r cloud.Resource, median float64) string {
	switch role := strings.TrimRight(r.Name, "0123456789-_. "); {
	case r.HAGroup != "":
		return r.Account + "/ha/" + r.HAGroup
	case r.Application != "":
		return r.Department + "/" + r.Application + "/" + role
	default:
		return fmt.Sprintf("%d/%g/%.0f", r.VCPU, r.MemoryGiB, math.Log2(max(median, 1)))
	}
}
