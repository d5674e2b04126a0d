package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/internal/auth"
	"yunjian/internal/config"
	"yunjian/internal/journal"
	"yunjian/internal/send"
	"yunjian/internal/store"
	"yunjian/notice"
	"yunjian/ownership"
)

// TellOptions say who is reached where, and in which words.
type TellOptions struct {
	CaseOptions
	Config config.Config // recipients, channels, language
	// Write words what is to be told, in a line and a line of details; of is the notice
	// that a department is told of, nil where there is none.
	Write func(w notice.Word, of *notice.Notice) (title, detail string)
}

// Told is what a pass has put into the outbox.
type Told struct {
	Words     []notice.Word // told to somebody at least
	Unreached []store.Unreached
}

// Untold is how many cases those without an address are not told of.
func (t Told) Untold() (cases int) {
	for _, u := range t.Unreached {
		cases += u.Cases
	}
	return cases
}

// Tell puts into the outbox what people are to be told of cases: notices that were
// issued, what fell to them, escalation and reminders. That they are told is noted in
// the cases in the same transaction: a crash does both or neither. On days that are not
// worked only what was issued is told: the rest would be stale on the next that is.
// Whoever has no address is told once there is one, and listed meanwhile.
func (d *Data) Tell(ctx context.Context, o TellOptions) (Told, error) {
	cases, err := d.State.Cases()
	if err != nil {
		return Told{}, err
	}
	before, err := d.State.Unreached()
	if err != nil {
		return Told{}, err
	}
	words := notice.Words(cases, o.Now, o.Calendar)
	if len(before) == 0 && len(words) == 0 {
		return Told{}, nil // mostly, and nothing is written
	}
	notices, err := d.noticesOf(words)
	if err != nil {
		return Told{}, err
	}
	directory, err := d.State.Directory()
	if err != nil {
		return Told{}, err
	}
	var out Told
	e := d.entry(ctx, journal.CasesTold, journal.Object{Type: "cases"})
	// By the clock: o.Now is when the cases are looked at.
	err = d.State.TellOfCases(time.Now(), e, func(all []notice.Case, i store.Identities) (t store.Telling, err error) {
		out, t, err = o.tell(directory, notices, all, i)
		return t, err
	})
	return out, err
}

// noticesOf are the notices that departments are told of, by number, as last corrected.
// One that is issued after they were read is told without what it says.
func (d *Data) noticesOf(words []notice.Word) (map[string]*notice.Notice, error) {
	out := map[string]*notice.Notice{}
	for _, w := range words {
		if w.To.Role != notice.Dept || w.Document == "" || out[w.Document] != nil {
			continue
		}
		versions, err := d.State.Versions(w.Document)
		if err != nil {
			return nil, err
		}
		if len(versions) > 0 { // a document that was only noted with a step is none of ours
			out[w.Document] = &versions[len(versions)-1]
		}
	}
	return out, nil
}

func (o TellOptions) tell(directory ownership.Directory, notices map[string]*notice.Notice, all []notice.Case, i store.Identities) (out Told, t store.Telling, err error) {
	at, changed := map[string]int{}, map[string]bool{}
	for i, c := range all {
		at[c.ID] = i
	}
	lacking := map[store.Unreached]int{} // without a count → cases
	for _, w := range notice.Words(all, o.Now, o.Calendar) {
		copies, why := o.copies(directory, w)
		var items []send.Item
		for _, c := range copies {
			item := send.Item{ID: occasion(c.word, all, at, o.Now), To: c.to, Due: w.Due, URL: o.Config.PublicURL}
			var of *notice.Notice
			if c.word.To.Role == notice.Dept {
				of = notices[c.word.Document]
			}
			item.Title, item.Detail = o.Write(c.word, of)
			if err := item.Check(); err != nil { // one word that cannot be put must not keep all others
				why = err.Error()
			}
			items = append(items, item)
		}
		if why != "" {
			lacking[store.Unreached{Role: w.To.Role, Department: w.To.Department, Why: why}] += len(w.Cases)
			continue
		}
		if !w.Issued && !o.Calendar.Working(o.Now) {
			continue
		}
		for _, item := range items {
			if !w.Issued {
				t.Items = append(t.Items, item)
				continue
			}
			if n := notices[w.Document]; n != nil && w.To.Role == notice.Dept && w.To.Department == n.Department {
				var err error
				if item.URL, err = o.link(*n, item.To, i); err != nil {
					return out, t, err
				}
			}
			m, err := send.Notice(item)
			if err != nil {
				return out, t, err
			}
			t.Messages = append(t.Messages, m)
		}
		for _, c := range w.Cases {
			all[at[c.CaseID]] = all[at[c.CaseID]].Told(w, o.Now)
			changed[c.CaseID] = true
		}
		out.Words = append(out.Words, w)
	}
	for _, c := range all {
		if changed[c.ID] {
			t.Cases = append(t.Cases, c)
		}
	}
	for u, cases := range lacking {
		u.Cases = cases
		t.Unreached = append(t.Unreached, u)
	}
	slices.SortFunc(t.Unreached, func(a, b store.Unreached) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Department, b.Department), cmp.Compare(a.Why, b.Why))
	})
	out.Unreached = t.Unreached
	return out, t, nil
}

// linkGrace is for how long after the last day to answer a link still opens: what comes
// late is better than nothing.
const linkGrace = 30 * 24 * time.Hour

// link is the address under which a department's contact answers a notice without an
// account: of its own in a letter, which nobody else reads; elsewhere, such as in a
// group or a log, that of the console.
func (o TellOptions) link(n notice.Notice, to send.Recipient, i store.Identities) (string, error) {
	mail := slices.ContainsFunc(o.Config.Channels, func(c config.Channel) bool {
		return c.Name == to.Channel && c.Type == config.ChannelEmail
	})
	now := time.Now()
	due, err := time.ParseInLocation(time.DateOnly, n.Feedback.Due, o.Now.Location())
	ends := due.AddDate(0, 0, 1).Add(linkGrace)
	if last := now.Add(auth.MaxLinkAge); ends.After(last) {
		ends = last
	}
	if o.Config.PublicURL == "" || !mail || err != nil || !ends.After(now) {
		return o.Config.PublicURL, nil //nolint:nilerr // a day that cannot be read is the notice's matter
	}
	text, _, err := auth.MakeLink(i, auth.Link{Notice: n.Number, Version: n.Version, Department: n.Department, Expires: ends, By: "system"}, now)
	return strings.TrimSuffix(o.Config.PublicURL, "/") + "/answer/" + text, err
}

// occasion is the id of an item: what is told of which cases at which point of theirs,
// and of a reminder on which day.
func occasion(w notice.Word, all []notice.Case, at map[string]int, now time.Time) string {
	parts := []string{w.Event, w.Deadline, w.Due, now.Format(time.DateOnly)}
	for _, c := range w.Cases {
		parts = append(parts, c.CaseID, strconv.Itoa(len(all[at[c.CaseID]].History)))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// addressed is a word for one recipient.
type addressed struct {
	to   send.Recipient
	word notice.Word
}

// copies are whom a word is told, or why nobody is. What silence has led to is told the
// department above, too, of its own departments alone.
func (o TellOptions) copies(directory ownership.Directory, w notice.Word) (out []addressed, why string) {
	if w.To.Role == notice.Dept {
		return o.department(directory, w.To.Department, w)
	}
	for _, r := range o.Config.Recipients {
		if r.Role == w.To.Role {
			out = append(out, addressed{send.Recipient{Channel: r.Channel, Address: r.Address, Name: r.Name, Lang: o.Config.Lang}, w})
		}
	}
	if w.Late && w.To.Role == notice.Supervisor {
		below := map[string][]notice.ReminderCase{}
		for _, c := range w.Cases {
			if x, _ := directory.Department(c.Department); x.Parent != "" {
				below[x.Parent] = append(below[x.Parent], c)
			}
		}
		for _, parent := range slices.Sorted(maps.Keys(below)) {
			own := w
			own.Cases = below[parent]
			more, _ := o.department(directory, parent, own)
			out = append(out, more...)
		}
	}
	if len(out) == 0 {
		why = fmt.Sprintf("配置的 recipients 没有 role: %[1]s | recipients in the configuration has no role: %[1]s", w.To.Role)
	}
	return out, why
}

// department addresses a word to a department's contact, on every channel for
// departments; to those of the applications that it is about, where the department has
// no address.
func (o TellOptions) department(directory ownership.Directory, name string, w notice.Word) (out []addressed, why string) {
	x, known := directory.Department(name)
	if !known {
		return nil, "单位表没有这个单位 | the directory has no such department"
	}
	contacts := []ownership.Contact{x.Contact}
	if x.Contact.Email == "" && w.To.Role == notice.Dept {
		contacts = nil
		for _, a := range directory.Applications {
			about := slices.ContainsFunc(w.Cases, func(c notice.ReminderCase) bool { return c.Application == a.Name })
			if about && a.Department == x.Name && a.Contact.Email != "" {
				contacts = append(contacts, a.Contact)
			}
		}
	}
	why = "单位表没有它的邮箱 | the directory has no e-mail address of it"
	for _, c := range contacts {
		if c.Email == "" {
			continue
		}
		address, err := send.ParseAddress(c.Email)
		if err != nil {
			return nil, fmt.Sprintf("单位表中的邮箱不可用 | an address in the directory cannot be used: %s", err)
		}
		why = "配置的 recipients 没有 role: dept | recipients in the configuration has no role: dept"
		for _, r := range o.Config.Recipients {
			if r.Role == notice.Dept {
				out = append(out, addressed{send.Recipient{Channel: r.Channel, Address: address, Name: cmp.Or(c.Name, x.Name), Lang: o.Config.Lang}, w})
			}
		}
	}
	if len(out) > 0 {
		why = ""
	}
	return out, why
}
