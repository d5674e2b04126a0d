// Package deploy holds what an operator installs beside the binary: the service
// unit, the units of the nightly backup, the container file, the example configuration and price file, the
// read-only access policy and the alert rules. Its tests exercise each.
//
// # The access policy
//
// ram-policy.json allows what collector/aliyun calls and nothing else.
// CloudMonitor is authorized under older names than its calls have
// (DescribeMetricList under cms:QueryMetricList), and documents disagree on
// whether the newer name counts too; both are allowed, neither can change
// anything. ram-policy-bills.json allows to read bills beside that, for clouds
// with bills: true alone; of its one call documents disagree on the prefix, bss
// or bssapi.
package deploy
