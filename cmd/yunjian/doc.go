// Command yunjian audits how a government cloud is used: it reads utilization,
// finds what is chronically idle or too large, and reports what releasing it
// would save. It never changes a cloud.
//
// One file per subcommand, wiring only.
package main
