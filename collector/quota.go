package collector

// MetricCalls is how many of calls, counted by action, draw on CloudMonitor's
// monthly quota, which its four query operations share (help.aliyun.com, CMS
// API 2019-01-01, DescribeMetricList).
func MetricCalls(calls map[string]int) int {
	return calls["DescribeMetricList"] + calls["DescribeMetricLast"] + calls["DescribeMetricTop"] + calls["DescribeMetricData"]
}
