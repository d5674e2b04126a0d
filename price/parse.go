package price

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
)

// MaxBookBytes is the largest price book that Parse reads: some 10,000 items.
const MaxBookBytes = 1 << 20

// contractZone is the zone of the dates in a book, from midnight to midnight:
// contracts are written in Chinese time.
var contractZone = time.FixedZone("UTC+8", 8*60*60)

// Mistake is one thing wrong in a price book.
type Mistake struct {
	Line, Column int    // from 1; 0: of the file as a whole
	Text         string // where in the book, what was found, what is allowed
}

// Error is everything wrong with a price book, in the order of the file.
type Error struct {
	File     string
	Mistakes []Mistake
}

// Error lists the mistakes, one a line, as file:line:column: text.
func (e *Error) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		switch {
		case m.Line == 0:
			lines[i] = fmt.Sprintf("%s: %s", e.File, m.Text)
		case m.Column == 0:
			lines[i] = fmt.Sprintf("%s:%d: %s", e.File, m.Line, m.Text)
		default:
			lines[i] = fmt.Sprintf("%s:%d:%d: %s", e.File, m.Line, m.Column, m.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// Parse reads a price book in YAML. The name is the file's, for messages. An
// error is an *Error that holds every mistake at once.
func Parse(name string, text []byte) (Book, error) {
	p := parser{}
	book := p.file(text)
	book.SHA256 = fmt.Sprintf("%x", sha256.Sum256(text))
	if len(p.mistakes) > 0 {
		slices.SortStableFunc(p.mistakes, func(a, b Mistake) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return Book{}, &Error{File: name, Mistakes: p.mistakes}
	}
	book.index()
	return book, nil
}

// parser collects mistakes while it reads.
type parser struct {
	mistakes []Mistake
}

func (p *parser) wrong(n *yaml.Node, format string, args ...any) {
	p.mistakes = append(p.mistakes, Mistake{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// syntaxLine is how the YAML library says where a text stopped being YAML.
var syntaxLine = regexp.MustCompile(`^(?:yaml: )?line ([0-9]+): `)

func (p *parser) file(text []byte) Book {
	if len(text) > MaxBookBytes {
		p.wrong(&yaml.Node{}, "found more than %d bytes, which is the most that is read", MaxBookBytes)
		return Book{}
	}
	var document, next yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		message, line := err.Error(), 0
		if m := syntaxLine.FindStringSubmatch(message); m != nil {
			line, _ = strconv.Atoi(m[1])
			message = message[len(m[0]):]
		}
		p.wrong(&yaml.Node{Line: line}, "not YAML: %s", message)
		return Book{}
	}
	if len(document.Content) == 0 {
		p.wrong(&yaml.Node{Line: 1, Column: 1}, "found an empty file, want a price book with id, version, name, currency, source, confidence, tax_included and items")
		return Book{}
	}
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		p.wrong(&yaml.Node{Line: next.Line, Column: next.Column}, "found a second document, want one price book a file")
	}
	book := p.book(document.Content[0])
	p.across(book.Items)
	return book
}

// fields is the values of a mapping by key; path is where it stands.
type fields struct {
	node   *yaml.Node
	path   string
	values map[string]*yaml.Node
}

func (f fields) at(key string) string {
	if f.path == "" {
		return key
	}
	return f.path + "." + key
}

// has reports whether the key is there with a value.
func (f fields) has(key string) bool {
	n := f.values[key]
	return n != nil && n.Tag != "!!null"
}

// mapping reads a mapping whose keys are among those allowed.
func (p *parser) mapping(n *yaml.Node, path string, allowed ...string) fields {
	f := fields{node: n, path: path, values: map[string]*yaml.Node{}}
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		p.wrong(f.node, "%s: found %s, want a mapping with the keys %s", cmp.Or(path, "price book"), kindName(n), strings.Join(allowed, ", "))
		return f
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		switch {
		case !slices.Contains(allowed, key.Value):
			p.wrong(key, "%s: unknown key, want one of %s", f.at(key.Value), strings.Join(allowed, ", "))
		case f.values[key.Value] != nil:
			p.wrong(key, "%s: given twice, first at line %d", f.at(key.Value), f.values[key.Value].Line)
		default:
			f.values[key.Value] = value
		}
	}
	return f
}

// resolve follows an alias to what it names.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%.40q", n.Value)
	}
}

// scalar returns the node of a single value, or nil, having said so where one
// is required.
func (p *parser) scalar(f fields, key string, required bool) *yaml.Node {
	if !f.has(key) {
		if required && resolve(f.node).Kind == yaml.MappingNode {
			p.wrong(f.node, "%s: missing", f.at(key))
		}
		return nil
	}
	n := f.values[key]
	if n.Kind != yaml.ScalarNode {
		p.wrong(n, "%s: found %s, want a single value", f.at(key), kindName(n))
		return nil
	}
	return n
}

// text reads a text; empty is as good as missing.
func (p *parser) text(f fields, key string, required bool) string {
	n := p.scalar(f, key, required)
	if n == nil {
		return ""
	}
	s := strings.TrimSpace(n.Value)
	switch {
	case s == "" && required:
		p.wrong(n, "%s: found an empty text", f.at(key))
	case len(s) > 2000:
		p.wrong(n, "%s: found %d bytes of text, want at most 2000", f.at(key), len(s))
	}
	return s
}

// oneOf reads a text that is one of a few.
func oneOf[T ~string](p *parser, f fields, key string, allowed ...T) T {
	n := p.scalar(f, key, true)
	if n == nil {
		return ""
	}
	if !slices.Contains(allowed, T(n.Value)) {
		p.wrong(n, "%s: found %.40q, want one of %s", f.at(key), n.Value, join(allowed))
	}
	return T(n.Value)
}

func join[T ~string](list []T) string {
	s := make([]string, len(list))
	for i, v := range list {
		s[i] = string(v)
	}
	return strings.Join(s, ", ")
}

func (p *parser) boolean(f fields, key string, required bool) bool {
	n := p.scalar(f, key, required)
	if n == nil {
		return false
	}
	if n.Value != "true" && n.Value != "false" {
		p.wrong(n, "%s: found %.40q, want true or false", f.at(key), n.Value)
	}
	return n.Value == "true"
}

// number reads a decimal above 0 and at most max; missing is otherwise.
func (p *parser) number(f fields, key string, otherwise, max decimal.Decimal, hint string) decimal.Decimal {
	n := p.scalar(f, key, false)
	if n == nil {
		return otherwise
	}
	d, err := parseDecimal(n.Value)
	if err != nil {
		p.wrong(n, "%s: %v", f.at(key), err)
		return otherwise
	}
	if d.Sign() <= 0 || d.GreaterThan(max) {
		p.wrong(n, "%s: found %s, want above 0 and at most %s%s", f.at(key), d, max, hint)
		return otherwise
	}
	return d
}

var dateText = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

// date reads a day and returns its first instant; zero when missing.
func (p *parser) date(f fields, key string) time.Time {
	n := p.scalar(f, key, false)
	if n == nil {
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateOnly, n.Value, contractZone)
	if err != nil || !dateText.MatchString(n.Value) {
		p.wrong(n, "%s: found %.40q, want a date such as 2026-01-31", f.at(key), n.Value)
	}
	return t
}

// list reads one text or a list of texts, sorted.
func (p *parser) list(f fields, key string) []string {
	if !f.has(key) {
		return nil
	}
	n := f.values[key]
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
		if len(nodes) == 0 {
			p.wrong(n, "%s: found an empty list, which would apply to nothing; leave the key out to apply to everything", f.at(key))
		}
	}
	var out []string
	for _, n := range nodes {
		n = resolve(n)
		switch {
		case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "":
			p.wrong(n, "%s: found %s, want a text or a list of texts", f.at(key), kindName(n))
		case slices.Contains(out, n.Value):
			p.wrong(n, "%s: found %.40q twice", f.at(key), n.Value)
		default:
			out = append(out, n.Value)
		}
	}
	slices.Sort(out)
	return out
}

func (p *parser) names(f fields, key string, required bool) Text {
	if !f.has(key) {
		if required && resolve(f.node).Kind == yaml.MappingNode {
			p.wrong(f.node, "%s: missing", f.at(key))
		}
		return Text{}
	}
	t := p.mapping(f.values[key], f.at(key), "zh", "en")
	return Text{ZH: p.text(t, "zh", true), EN: p.text(t, "en", true)}
}

var (
	one         = decimal.NewFromInt(1)
	wordText    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	defaultHour = decimal.NewFromInt(730) // 365 × 24 / 12
	mostHours   = decimal.NewFromInt(744)
)

// word reads an identifier that may stand in file names and in id@version.
func (p *parser) word(f fields, key string) string {
	s := p.text(f, key, true)
	if s != "" && !wordText.MatchString(s) {
		p.wrong(f.values[key], "%s: found %.80q, want letters, digits, dots, dashes and underscores, at most 64", f.at(key), s)
	}
	return s
}

func (p *parser) book(n *yaml.Node) Book {
	f := p.mapping(n, "", "id", "version", "name", "note", "currency", "source", "confidence", "tax_included",
		"hours_per_month", "default_storage", "discount", "stopped_billing", "effective_from", "effective_to", "items")
	b := Book{
		ID: p.word(f, "id"), Version: p.word(f, "version"),
		Name: p.names(f, "name", true), Note: p.names(f, "note", false),
		Currency:       p.text(f, "currency", true),
		Confidence:     oneOf(p, f, "confidence", Cited, Practice, Proposed),
		TaxIncluded:    p.boolean(f, "tax_included", true),
		HoursPerMonth:  p.number(f, "hours_per_month", defaultHour, mostHours, ""),
		DefaultStorage: p.text(f, "default_storage", false),
	}
	if b.Currency != "" && !currencyCode.MatchString(b.Currency) {
		p.wrong(f.values["currency"], "currency: found %.20q, want an ISO 4217 code such as CNY", b.Currency)
	}
	if !f.has("source") {
		p.missingSource(f)
	} else {
		s := p.mapping(f.values["source"], "source", "title", "issuer", "doc_no", "date", "url")
		b.Source = Source{Title: p.text(s, "title", true), Issuer: p.text(s, "issuer", false),
			DocNo: p.text(s, "doc_no", false), Date: p.text(s, "date", false), URL: p.text(s, "url", false)}
	}
	defaults := Item{Discount: p.discount(f, one), StoppedBilling: p.stopped(f, ""), From: p.date(f, "effective_from"), To: p.lastDay(f, "effective_to")}
	if !f.has("items") {
		if resolve(n).Kind == yaml.MappingNode {
			p.wrong(n, "items: missing: list at least one price")
		}
		return b
	}
	items := f.values["items"]
	if items.Kind != yaml.SequenceNode || len(items.Content) == 0 {
		p.wrong(items, "items: found %s, want a list of at least one price", kindName(items))
		return b
	}
	for i, n := range items.Content {
		b.Items = append(b.Items, p.item(n, fmt.Sprintf("items[%d]", i), defaults))
	}
	return b
}

// stopped reads how a stopped machine is billed.
func (p *parser) stopped(f fields, otherwise StoppedBilling) StoppedBilling {
	if !f.has("stopped_billing") {
		return otherwise
	}
	return oneOf(p, f, "stopped_billing", BillingStops, BillingContinues)
}

func (p *parser) missingSource(f fields) {
	if resolve(f.node).Kind == yaml.MappingNode {
		p.wrong(f.node, "source: missing: say where the prices stand (title, and issuer, doc_no, date, url as known)")
	}
}

func (p *parser) discount(f fields, otherwise decimal.Decimal) decimal.Decimal {
	return p.number(f, "discount", otherwise, one, " (the share that is paid: 0.9 for 九折)")
}

// lastDay reads the last day of a validity and returns the instant it ends.
func (p *parser) lastDay(f fields, key string) time.Time {
	t := p.date(f, key)
	if t.IsZero() {
		return t
	}
	return t.AddDate(0, 0, 1)
}

func (p *parser) item(n *yaml.Node, path string, defaults Item) Item {
	f := p.mapping(n, path, "id", "what", "price", "per", "discount", "free", "stopped_billing", "instance_type", "category",
		"accounts", "zones", "regions", "families", "architectures", "charge_types", "effective_from", "effective_to")
	it := Item{
		ID: p.word(f, "id"), What: oneOf(p, f, "what", Whats()...), Per: PerMonth,
		Discount: p.discount(f, defaults.Discount), Free: p.boolean(f, "free", false),
		InstanceType: p.text(f, "instance_type", false), Category: p.text(f, "category", false),
		Accounts: p.list(f, "accounts"), Zones: p.list(f, "zones"), Regions: p.list(f, "regions"),
		Families: p.list(f, "families"), Architectures: p.list(f, "architectures"),
		From: defaults.From, To: defaults.To, Line: n.Line, Column: n.Column,
	}
	if slices.Contains([]What{VCPU, Memory, Instance}, it.What) {
		it.StoppedBilling = p.stopped(f, defaults.StoppedBilling)
	}
	if f.has("effective_from") {
		it.From = p.date(f, "effective_from")
	}
	if f.has("effective_to") {
		it.To = p.lastDay(f, "effective_to")
	}
	if !it.From.IsZero() && !it.To.IsZero() && !it.From.Before(it.To) {
		p.wrong(n, "%s: valid from %s to %s: the end lies before the start", path, it.From.Format(time.DateOnly), it.To.AddDate(0, 0, -1).Format(time.DateOnly))
	}
	for _, s := range p.list(f, "charge_types") {
		it.ChargeTypes = append(it.ChargeTypes, cloud.ChargeType(s))
		if s != string(cloud.Prepaid) && s != string(cloud.Postpaid) {
			p.wrong(f.values["charge_types"], "%s: found %.40q, want %s or %s", f.at("charge_types"), s, cloud.Prepaid, cloud.Postpaid)
		}
	}
	p.price(f, &it)
	p.applicability(f, it)
	it.restrict()
	return it
}

// price reads what an item costs. 0 is what people write for a price they do
// not know; taken at its word it would make waste look free.
func (p *parser) price(f fields, it *Item) {
	if n := p.scalar(f, "price", !it.Free); n != nil {
		d, err := parseDecimal(n.Value)
		switch {
		case err != nil:
			p.wrong(n, "%s: %v", f.at("price"), err)
		case d.Sign() < 0:
			p.wrong(n, "%s: found %s, want a price above 0", f.at("price"), d)
		case d.Sign() == 0 && !it.Free:
			p.wrong(n, "%s: found 0: leave the item out if the price is unknown, or add free: true if it costs nothing", f.at("price"))
		case d.Sign() > 0 && it.Free:
			p.wrong(n, "%s: found %s beside free: true, want one or the other", f.at("price"), d)
		}
		it.Price = d
	}
	if f.has("per") || !it.Free {
		it.Per = oneOf(p, f, "per", PerMonth, PerHour, PerYear)
	}
}

// applicability checks that the restrictions fit what is priced.
func (p *parser) applicability(f fields, it Item) {
	only := func(key string, whats ...What) {
		if f.has(key) && slices.Contains(Whats(), it.What) && !slices.Contains(whats, it.What) {
			p.wrong(f.values[key], "%s: does not apply to what: %s, only to %s", f.at(key), it.What, join(whats))
		}
	}
	only("instance_type", Instance)
	only("families", VCPU, Memory)
	only("architectures", VCPU, Memory, Instance)
	only("category", Storage)
	only("stopped_billing", VCPU, Memory, Instance)
	if it.What == Instance && it.InstanceType == "" {
		p.wrong(f.node, "%s: missing: which type has this price, such as ecs.g7.xlarge", f.at("instance_type"))
	}
	if i := strings.IndexByte(it.Category, '*'); i >= 0 && i != len(it.Category)-1 || it.Category == "*" {
		p.wrong(f.values["category"], "%s: found %.80q, want a category or the start of one followed by *; leave the key out for every category", f.at("category"), it.Category)
	}
}

// across checks what can only be seen across items.
func (p *parser) across(items []Item) {
	first := map[string]int{}
	// Only items of one thing can collide; a list of instance types is long and
	// its groups are small.
	groups := map[[2]string][]*Item{}
	for i := range items {
		it := &items[i]
		at := &yaml.Node{Line: it.Line, Column: it.Column}
		if line := first[it.ID]; line != 0 && it.ID != "" {
			p.wrong(at, "items[%d].id: %s stands already at line %d; each item needs its own", i, it.ID, line)
		} else {
			first[it.ID] = it.Line
		}
		key := [2]string{string(it.What), it.InstanceType}
		for _, other := range groups[key] {
			if collide(other, it) {
				p.wrong(at, "items[%d]: %s prices the same as %s at line %d at the same time, and neither is more specific: end one before the other starts, or restrict one further", i, it.ID, other.ID, other.Line)
				break
			}
		}
		groups[key] = append(groups[key], it)
	}
}
