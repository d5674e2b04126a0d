// Package price holds money and the price book: exact decimal amounts, contract
// unit prices, validity, billing mode.
package price
