package notice

import (
	"fmt"
	"regexp"
	"strconv"
)

// DocumentNumber is the 文号 of a notice, such as 浙财云通〔2026〕12号: issuer's
// prefix, year, and a number that runs within the year.
type DocumentNumber struct {
	Prefix string // 2 to 12 Chinese characters
	Year   int    // 2000 to 2100
	Number int    // 1 to 99999
}

var (
	documentNumber = regexp.MustCompile(`^(\p{Han}{2,12})〔(\d{4})〕([1-9]\d{0,4})号$`)
	prefixText     = regexp.MustCompile(`^\p{Han}{2,12}$`)
)

// ParseDocumentNumber reads a document number as it is printed.
func ParseDocumentNumber(s string) (DocumentNumber, error) {
	m := documentNumber.FindStringSubmatch(s)
	if m == nil {
		return DocumentNumber{}, fmt.Errorf("read document number: found %.60q, want 2 to 12 Chinese characters, the year in 〔〕, a number from 1 to 99999 without zeros before it and 号, such as 浙财云通〔2026〕12号", s)
	}
	year, _ := strconv.Atoi(m[2]) // digits, both
	number, _ := strconv.Atoi(m[3])
	d := DocumentNumber{Prefix: m[1], Year: year, Number: number}
	return d, d.Check()
}

// Check reports what is wrong with a number.
func (d DocumentNumber) Check() error {
	switch {
	case !prefixText.MatchString(d.Prefix):
		return fmt.Errorf("check document number: prefix %.60q: want 2 to 12 Chinese characters", d.Prefix)
	case d.Year < 2000 || d.Year > 2100:
		return fmt.Errorf("check document number: year %d: want 2000 to 2100", d.Year)
	case d.Number < 1 || d.Number > 99999:
		return fmt.Errorf("check document number: number %d: want 1 to 99999", d.Number)
	}
	return nil
}

// String is the number as it is printed.
func (d DocumentNumber) String() string {
	return fmt.Sprintf("%s〔%d〕%d号", d.Prefix, d.Year, d.Number)
}

// Next is the number after d in a year: each year begins with 1.
func (d DocumentNumber) Next(year int) DocumentNumber {
	if year != d.Year {
		return DocumentNumber{Prefix: d.Prefix, Year: year, Number: 1}
	}
	d.Number++
	return d
}
