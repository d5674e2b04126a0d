package collector

import "yunjian/cloud"

// Storage is the disks attached to one instance, taken together.
type Storage struct {
	GiB      float64 // 0 where the size of one is unknown
	Category string  // of all of them; empty where they differ or one is unknown
}

// AttachedStorage sums up the disks among resources by the instance that they
// are attached to.
func AttachedStorage(resources []cloud.Resource) map[string]Storage {
	out := map[string]Storage{}
	unknown := map[string]bool{}
	for _, r := range resources {
		if r.Kind != cloud.Disk || r.AttachedTo == "" {
			continue
		}
		s, more := out[r.AttachedTo]
		if !more {
			s.Category = r.Category
		} else if s.Category != r.Category {
			s.Category = ""
		}
		s.GiB += r.StorageGiB
		if unknown[r.AttachedTo] = unknown[r.AttachedTo] || r.StorageGiB == 0; unknown[r.AttachedTo] {
			s.GiB = 0
		}
		out[r.AttachedTo] = s
	}
	return out
}
