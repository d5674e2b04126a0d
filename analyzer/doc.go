// Package analyzer turns the series of one resource into one Finding with its
// reasons.
//
// It is pure: statistics, facts and a policy pack go in with the present
// instant, a Finding comes out. Thin, young, resized or missing data is an
// answer (InsufficientData), not an error and never idleness.
package analyzer
