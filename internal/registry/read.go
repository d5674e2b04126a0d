package registry

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"yunjian/internal/sheet"
	"yunjian/ownership"
)

// field is one known column of a table of T, by its names.
type field[T any] struct {
	names []string
	set   func(x *T, cell string) (allowed string) // what is allowed where the cell is not
}

func put[T any](to func(*T) *string, names ...string) field[T] {
	return field[T]{names, func(x *T, cell string) string { *to(x) = cell; return "" }}
}

var phones = regexp.MustCompile(`^[0-9+() -]{5,24}$`)

func phone[T any](to func(*T) *string) field[T] {
	return field[T]{[]string{"电话", "phone"}, func(x *T, cell string) string {
		if !phones.MatchString(cell) {
			return "a telephone number: digits, + ( ) - and blanks"
		}
		*to(x) = cell
		return ""
	}}
}

func email[T any](to func(*T) *string) field[T] {
	return field[T]{[]string{"邮箱", "email"}, func(x *T, cell string) string {
		a, err := mail.ParseAddress(cell)
		if err != nil || a.Name != "" {
			return "an e-mail address"
		}
		*to(x) = a.Address
		return ""
	}}
}

// aliases are separated as people separate names.
func aliases[T any](to func(*T) *[]string) field[T] {
	return field[T]{[]string{"别名", "aliases"}, func(x *T, cell string) string {
		for _, n := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune("、;；|\n", r) }) {
			if n = strings.TrimSpace(n); n != "" {
				*to(x) = append(*to(x), n)
			}
		}
		return ""
	}}
}

var departmentFields = []field[ownership.Department]{
	put(func(d *ownership.Department) *string { return &d.Name }, "单位", "department"),
	aliases(func(d *ownership.Department) *[]string { return &d.Aliases }),
	put(func(d *ownership.Department) *string { return &d.Parent }, "主管部门", "parent"),
	put(func(d *ownership.Department) *string { return &d.Contact.Name }, "联系人", "contact"),
	phone(func(d *ownership.Department) *string { return &d.Contact.Phone }),
	email(func(d *ownership.Department) *string { return &d.Contact.Email }),
	put(func(d *ownership.Department) *string { return &d.Signer }, "单位负责人", "signer"),
}

var applicationFields = []field[ownership.Application]{
	put(func(a *ownership.Application) *string { return &a.Name }, "应用", "应用名称", "application"),
	put(func(a *ownership.Application) *string { return &a.Department }, "单位", "department"),
	put(func(a *ownership.Application) *string { return &a.Code }, "应用编码", "code"),
	aliases(func(a *ownership.Application) *[]string { return &a.Aliases }),
	put(func(a *ownership.Application) *string { return &a.Contact.Name }, "负责人", "联系人", "contact"),
	phone(func(a *ownership.Application) *string { return &a.Contact.Phone }),
	email(func(a *ownership.Application) *string { return &a.Contact.Email }),
	put(func(a *ownership.Application) *string { return &a.Class }, "资源类别", "class"),
	put(func(a *ownership.Application) *string { return &a.Protection }, "等保级别", "protection"),
}

// Read reads tables of departments and of applications; which a table is, its header
// says. Notes tell of columns that were passed over. The error lists everything wrong,
// by file, line and column; then nothing is read.
func Read(disk sheet.Reader, paths []string) (d ownership.Directory, notes []string, err error) {
	var wrong sheet.Mistakes
	for _, path := range paths {
		tables, err := sheet.ReadFile(disk, path, &wrong)
		if err != nil {
			return d, nil, err
		}
		for _, t := range tables {
			notes = append(notes, read(t, &d, &wrong)...)
		}
	}
	if !wrong.None() {
		return ownership.Directory{}, nil, &wrong
	}
	d.Sort()
	for _, p := range d.Check() {
		wrong.Add(sheet.Mistake{File: p.Of, Found: p.Found, Allowed: p.Allowed})
	}
	if !wrong.None() {
		return ownership.Directory{}, nil, &wrong
	}
	return d, notes, nil
}

// read adds what one table holds.
func read(t sheet.Table, d *ownership.Directory, wrong *sheet.Mistakes) (notes []string) {
	if t.Note != "" {
		notes = append(notes, t.Note)
	}
	is := func(names []string) bool {
		return slices.ContainsFunc(t.Header.Cells, func(c string) bool { return slices.Contains(names, normal(c)) })
	}
	switch {
	case is(applicationFields[0].names):
		return append(notes, rows(t, applicationFields, 2, &d.Applications, wrong)...)
	case is(departmentFields[0].names):
		return append(notes, rows(t, departmentFields, 1, &d.Departments, wrong)...)
	case t.Header.Line == 0:
		wrong.Add(sheet.Mistake{File: t.File, Line: 1, Found: "found no header line", Allowed: "a column 单位 (department), and 应用 (application) in a table of applications"})
	default:
		wrong.Add(sheet.Mistake{File: t.File, Line: t.Header.Line, Found: sheet.Quote(strings.Join(t.Header.Cells, ",")), Allowed: "a column 单位 (department), and 应用 (application) in a table of applications"})
	}
	return notes
}

func normal(cell string) string { return strings.ToLower(strings.TrimSpace(cell)) }

// rows reads a table of T, whose first fields, so many, are required.
func rows[T any](t sheet.Table, fields []field[T], required int, to *[]T, wrong *sheet.Mistakes) (notes []string) {
	columns := make([]*field[T], len(t.Header.Cells))
	found := map[*field[T]]bool{}
	for i, cell := range t.Header.Cells {
		k := slices.IndexFunc(fields, func(f field[T]) bool { return slices.Contains(f.names, normal(cell)) })
		switch {
		case k >= 0 && found[&fields[k]]:
			wrong.Add(sheet.Mistake{File: t.File, Line: t.Header.Line, Column: strings.TrimSpace(cell), Found: "found twice", Allowed: "each column once"})
		case k >= 0:
			columns[i], found[&fields[k]] = &fields[k], true
		case normal(cell) != "":
			notes = append(notes, fmt.Sprintf("%s: 未使用的列 column not used: %s", t.File, strings.TrimSpace(cell)))
		}
	}
	for i := range required {
		if !found[&fields[i]] {
			wrong.Add(sheet.Mistake{File: t.File, Line: t.Header.Line, Found: sheet.Quote(strings.Join(t.Header.Cells, ",")), Allowed: "a column " + strings.Join(fields[i].names, " or ")})
		}
	}
	for _, row := range t.Rows {
		var x T
		filled := map[*field[T]]bool{}
		for i, cell := range row.Cells {
			f := columns[i]
			if cell = strings.TrimSpace(cell); f == nil || cell == "" {
				continue
			}
			allowed := ""
			if len(cell) > sheet.MaxCellBytes {
				allowed = fmt.Sprintf("at most %d bytes", sheet.MaxCellBytes)
			} else {
				allowed = f.set(&x, cell)
			}
			if allowed != "" {
				wrong.Add(sheet.Mistake{File: t.File, Line: row.Line, Column: strings.TrimSpace(t.Header.Cells[i]), Found: sheet.Quote(cell), Allowed: allowed})
			}
			filled[f] = true
		}
		for i := range required {
			if found[&fields[i]] && !filled[&fields[i]] {
				wrong.Add(sheet.Mistake{File: t.File, Line: row.Line, Column: fields[i].names[0], Found: "found nothing", Allowed: "a name"})
			}
		}
		*to = append(*to, x)
	}
	return notes
}
