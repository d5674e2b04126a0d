package utilization

import (
	"time"

	"yunjian/cloud"
)

// Step is the spacing of samples that coverage is measured against: five
// minutes, the finest period CloudMonitor keeps for 91 days.
const Step = 5 * time.Minute

// Summary is what the samples of one metric of one resource within a window
// amount to. A Summary with Samples == 0 knows nothing: its statistics are
// meaningless and must not be read as zero.
type Summary struct {
	Metric  cloud.Metric
	Window  cloud.Window
	Samples int // samples present
	// Expected is how many samples Window would hold at Step, less the spans
	// excluded from it (before a resize, while powered off).
	Expected int

	First, Last time.Time // instants of the first and last sample
	Mean        float64
	Min, Max    float64
	Days        []Day // calendar days (in the location asked for) that hold samples, ascending
	HourOfWeek  [168]Hour
}

// Day is the samples of one calendar day.
type Day struct {
	Start   time.Time // local midnight
	Samples int
	Mean    float64
	P95     float64
	P98     float64
	P99     float64
	Max     float64
	// Sum is the sum of the values: for a rate, Sum × Step is the day's volume
	// over the samples present.
	Sum float64
}

// Hour is the samples of one hour of the week; index 0 is Monday 00:00-01:00.
type Hour struct {
	Samples int
	Mean    float64
	Max     float64
}
