// Package backtest replays rules over history: each decides at an instant on
// nothing but the samples before it, and is scored by what came afterwards.
//
// How a decision is scored, and what sizes and prices the score knows, is in
// score.go; the rules of other products, each from its published definition, in
// peers.go and releases.go.
package backtest
