// Package collectortest is the contract every Source must pass.
//
// A source's own test builds a Fixture and calls Run. Where the fixture knows
// the truth, samples are compared one by one; over a real account, where it
// does not, the cases that need it are skipped by name.
package collectortest
