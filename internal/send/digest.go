package send

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"
)

// Recipient is one person on one channel; a channel with one audience has one,
// with an empty address.
type Recipient struct {
	Channel string `json:"channel"`
	Address string `json:"address,omitempty"`
	Name    string `json:"name,omitempty"` // how a digest greets; not looked at where Address is empty
	Lang    string `json:"lang"`           // zh or en
}

// Item is one thing that somebody is to be told by a digest.
type Item struct {
	ID     string    `json:"id"` // unique to recipient and occasion, such as case and reminder; told once
	To     Recipient `json:"to"`
	Title  string    `json:"title"` // one line, in To.Lang
	Detail string    `json:"detail,omitempty"`
	Due    string    `json:"due,omitempty"` // day, 2026-11-23; empty: none runs
	URL    string    `json:"url,omitempty"` // where it is answered
}

// Check returns what is wrong with an item.
func (i Item) Check() error {
	control := func(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
	switch {
	case i.ID == "" || len(i.ID) > 256 || control(i.ID):
		return fmt.Errorf("item id %q: want one line of at most 256 bytes", i.ID)
	case i.To.Channel == "" || control(i.To.Channel+i.To.Address+i.To.Name) || len(i.To.Address) > maxAddress || len(i.To.Name) > maxAddress:
		return fmt.Errorf("item %s: want a recipient with a channel, name and address at most %d bytes, each one line", i.ID, maxAddress)
	case i.To.Lang != "zh" && i.To.Lang != "en":
		return fmt.Errorf("item %s: language %q: want zh or en", i.ID, i.To.Lang)
	case strings.TrimSpace(i.Title) == "" || control(i.Title) || control(i.Detail) || len(i.Title)+len(i.Detail)+len(i.URL) > 4096:
		return fmt.Errorf("item %s: want a title, with detail and address at most 4096 bytes, each one line", i.ID)
	case control(i.URL) || strings.Contains(i.URL, " "):
		return fmt.Errorf("item %s: address holds blanks", i.ID)
	}
	if _, err := time.Parse(time.DateOnly, i.Due); i.Due != "" && err != nil {
		return fmt.Errorf("item %s: due %q: want a day such as 2026-11-23", i.ID, i.Due)
	}
	return nil
}

// A digest lists so many items, and so many bytes of them, that a DingTalk robot takes it
// uncut; the others are counted and wait for the next.
const (
	maxListed      = 50
	maxListedBytes = 12_000
)

// room is how many of the items, in their order, a digest lists: one at least.
func room(items []Item) int {
	size := 0
	for n, i := range items {
		size += len(i.Title) + len(i.Detail) + 2*len(i.URL) + 64 // in the text and as a link
		if n == maxListed || n > 0 && size > maxListedBytes {
			return n
		}
	}
	return len(items)
}

//go:embed templates/*.txt
var templateFiles embed.FS

// templates are parsed once; a test executes both.
var templates = map[string]*template.Template{"zh": parseTemplate("zh"), "en": parseTemplate("en")}

func parseTemplate(lang string) *template.Template {
	return template.Must(template.ParseFS(templateFiles, "templates/digest_"+lang+".txt"))
}

// Notice makes a message of its own of one item. Its ID is that of item and recipient.
func Notice(i Item) (Message, error) {
	if err := i.Check(); err != nil {
		return Message{}, err
	}
	m := Message{ID: NewID(KindNotice, i.To.Channel, i.To.Address, i.ID), Kind: KindNotice, Channel: i.To.Channel, To: i.To.Address, Subject: subject(i.Title), Lang: i.To.Lang}
	if i.To.Address == "" {
		i.To.Name = ""
	}
	if i.URL != "" {
		m.Links = []Link{{Title: i.Title, URL: i.URL}}
	}
	var b strings.Builder
	if err := templates[m.Lang].ExecuteTemplate(&b, "notice", i); err != nil {
		return Message{}, fmt.Errorf("write notice: %w", err)
	}
	m.Text = strings.TrimSpace(b.String()) + "\n"
	return m, m.Check()
}

// subject cuts a title to what fits on a line of subject.
func subject(title string) string {
	if len(title) <= maxSubject {
		return title
	}
	cut := maxSubject - len("…")
	for !utf8.RuneStart(title[cut]) {
		cut--
	}
	return title[:cut] + "…"
}

// listed is an item as a template shows it.
type listed struct {
	Item
	Number int
}

type digest struct {
	Name, Day                     string
	Total, Late, More             int
	Overdue, Today, Coming, Other []listed
}

// Digest makes one message of the items for one person on one day, of which the
// date counts: overdue first, then by due day. Its ID is that of recipient and
// day, so that there is one a day whatever it holds. Told are those that it
// lists; the others are counted and belong into the next.
func Digest(to Recipient, items []Item, day time.Time) (m Message, told []Item, err error) {
	t := templates[to.Lang]
	if t == nil {
		return Message{}, nil, fmt.Errorf("digest in language %q: want zh or en", to.Lang)
	}
	if len(items) == 0 {
		return Message{}, nil, errors.New("digest of nothing")
	}
	ordered := slices.Clone(items)
	slices.SortFunc(ordered, func(a, b Item) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.Due, "~"), cmp.Or(b.Due, "~")), cmp.Compare(a.ID, b.ID)) // ~ after every day
	})
	today := day.Format(time.DateOnly)
	told = ordered[:room(ordered)]
	d := digest{Day: today, Total: len(ordered), More: len(ordered) - len(told)}
	if to.Address != "" {
		d.Name = to.Name
	}
	for _, item := range ordered {
		if item.Due != "" && item.Due < today {
			d.Late++
		}
	}
	m = Message{ID: NewID(KindDigest, to.Channel, to.Address, today), Kind: KindDigest, Channel: to.Channel, To: to.Address, Lang: to.Lang}
	for i, item := range told {
		group := &d.Other
		switch {
		case item.Due == "":
		case item.Due < today:
			group = &d.Overdue
		case item.Due == today:
			group = &d.Today
		default:
			group = &d.Coming
		}
		*group = append(*group, listed{item, i + 1})
		if item.URL != "" {
			m.Links = append(m.Links, Link{Title: item.Title, URL: item.URL})
		}
	}
	var b strings.Builder
	for _, part := range []struct {
		name string
		into *string
	}{{"subject", &m.Subject}, {"text", &m.Text}} {
		b.Reset()
		if err := t.ExecuteTemplate(&b, part.name, d); err != nil {
			return Message{}, nil, fmt.Errorf("write digest: %w", err)
		}
		*part.into = strings.TrimSpace(b.String())
	}
	m.Text += "\n"
	return m, told, m.Check()
}
