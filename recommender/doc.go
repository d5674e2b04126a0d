// Package recommender turns findings into things to do, what each saves and
// what each risks, within a fleet-wide risk budget.
//
// It is pure and deterministic: equal inputs give equal bytes.
package recommender
