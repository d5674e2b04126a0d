// Package audit holds the result of one audit of the whole fleet: findings,
// recommendations, refusals and totals, with the policy and price book they
// stand on.
//
// It is pure and is the document that `yunjian audit --format json` prints; the
// names of its JSON fields are a contract with outside scripts.
package audit
