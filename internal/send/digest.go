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
	case i.To.Channel == "" || control(i.To.Channel) || control(i.To.Address) || control(i.To.Name):
		return fmt.Errorf("item %s: want a recipient with a channel, each one line", i.ID)
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

// maxListed is how many items a digest lists; the others are counted.
const maxListed = 50

//go:embed templates/*.txt
var templateFiles embed.FS

// templates are parsed once; a test executes both.
var templates = map[string]*template.Template{"zh": parseTemplate("zh"), "en": parseTemplate("en")}

func parseTemplate(lang string) *template.Template {
	return template.Must(template.ParseFS(templateFiles, "templates/digest_"+lang+".txt"))
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
// day, so that there is one a day whatever it holds. Items are listed up to 50,
// and counted beyond.
func Digest(to Recipient, items []Item, day time.Time) (Message, error) {
	t := templates[to.Lang]
	if t == nil {
		return Message{}, fmt.Errorf("digest in language %q: want zh or en", to.Lang)
	}
	if len(items) == 0 {
		return Message{}, errors.New("digest of nothing")
	}
	ordered := slices.Clone(items)
	slices.SortFunc(ordered, func(a, b Item) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.Due, "~"), cmp.Or(b.Due, "~")), cmp.Compare(a.ID, b.ID)) // ~ after every day
	})
	today := day.Format(time.DateOnly)
	d := digest{Day: today, Total: len(ordered), More: max(0, len(ordered)-maxListed)}
	if to.Address != "" {
		d.Name = to.Name
	}
	for _, item := range ordered {
		if item.Due != "" && item.Due < today {
			d.Late++
		}
	}
	m := Message{ID: NewID(KindDigest, to.Channel, to.Address, today), Kind: KindDigest, Channel: to.Channel, To: to.Address, Lang: to.Lang}
	for i, item := range ordered[:len(ordered)-d.More] {
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
			return Message{}, fmt.Errorf("write digest: %w", err)
		}
		*part.into = strings.TrimSpace(b.String())
	}
	m.Text += "\n"
	return m, m.Check()
}
