// Package aliyun is a Source over the Alibaba Cloud SDK, public cloud and
// Apsara Stack; the only importer of that SDK.
//
// # Basics
//
// New checks the options and builds a Source. Inventory lists instances, disks,
// addresses and instance types region by region; Collect reads utilization from
// CloudMonitor in chains of pages of 1,440 points; Bill reads what a month was billed
// for, where the options ask for bills.
//
// Of the SDK only the core is used: it signs and sends. One client a worker,
// because a client is not safe for concurrent use, all over one transport of
// ours that knows which hosts the configuration named, reads the answer within
// a bound, and keeps it from the SDK's own decoder, which panics on some
// answers. See docs/decisions/0004-the-end-of-support-sdk.md.
//
// # What is measured
//
//   - CPU: cpu_total where the agent runs, else CPUUtilization of the host; the
//     Observation's Origin says which. Where the agent's series has not one
//     sample in six hours or more, the host's series is read for that span.
//   - Memory and disk fill: from the agent only. Disk fill is that of the
//     fullest device at each instant.
//   - Network: networkin_rate and networkout_rate where the agent runs, summed
//     over all interfaces but the loopback; else IntranetInRate and
//     IntranetOutRate, plus VPC_PublicIP_Internet… for machines with a public
//     address, and then only at instants where both parts are known: half a sum
//     would make a busy web server look idle.
//   - Disk throughput: DiskReadBPS and DiskWriteBPS of the host.
//   - CPU steal: not measured by acs_ecs_dashboard, and so never asked for.
//
// The statistic is Average; Value where a metric has no Average. Negative
// values, which CloudMonitor uses for "not measured", percentages above 100,
// rates above a petabyte a second and what is no number are dropped. A sample keeps its own timestamp, cut to the second; none is
// moved onto the grid.
//
// # Caveats
//
//   - A RAM user without permission gets an empty list, not an error. An empty
//     list is believed only when a dry run confirmed the permission.
//   - Absence of samples has many reasons; each is a different Availability.
package aliyun
