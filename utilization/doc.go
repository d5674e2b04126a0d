// Package utilization turns the samples of one metric of one resource into
// exact statistics: percentiles, mean, extremes, coverage, days and the profile
// of the week.
//
// It is pure: samples and a window go in, a Summary comes out. Judgement reads
// Summaries and never samples; the history store fills them while it decodes.
package utilization
