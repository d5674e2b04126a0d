package cloud

import "time"

// Observation is what a source knows about one metric of one resource beside
// its samples: whether it could be read and how it was measured.
type Observation struct {
	Resource     string       `json:"resource_id"`
	Metric       Metric       `json:"metric"`
	Availability Availability `json:"availability"`
	Origin       Origin       `json:"origin,omitempty"`
	From         time.Time    `json:"from,omitzero"`    // the earliest instant ever asked for
	Through      time.Time    `json:"through,omitzero"` // samples up to here, inclusive, have been read or are known not to exist
	Detail       string       `json:"detail,omitempty"` // the cloud's own words, without secrets
}
