// Package price holds money and the price book: exact decimal amounts, contract
// unit prices, validity, billing mode.
//
// # Basics
//
// A Book is the user's own file: government clouds are bought under contracts
// whose unit prices nobody publishes. Quote prices one resource line by line at
// an instant. What the book does not price is listed in Quote.Missing, and the
// quote is then unknown, never zero.
//
// # Caveats
//
//   - A price is per month; a month is a twelfth of a year, whatever its length.
//   - A price of 0 in a book is a mistake unless it says free: true.
//   - The quote of an instance holds its attached storage. Those disks are
//     listed as resources of their own too: add one or the other.
//   - Amounts are exact and shown with two places. Figures that are shown and
//     then added up in view of the reader are rounded first (Amount.Round), so
//     that the column adds up.
package price
