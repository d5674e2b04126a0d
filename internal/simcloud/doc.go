// Package simcloud is a server that speaks the Alibaba Cloud API over a
// bundle or a made-up estate, faults included: for the demo, tests and load.
package simcloud
