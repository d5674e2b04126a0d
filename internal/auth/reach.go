package auth

import (
	"errors"
	"net/http"

	"yunjian/internal/store"
)

// AllowedSomewhere is nil where p may do what permission says in any department at
// all; else it is a *Refusal. It is for lists, which leave out what p does not reach.
func AllowedSomewhere(p Principal, permission Permission) error {
	err := Allowed(p, permission, "")
	for _, d := range p.Departments.Names {
		if err == nil || Allowed(p, permission, d) == nil {
			return nil
		}
	}
	return err
}

// AllowedAny is nil where p may do one of these in any department at all; else it is
// the refusal of the first.
func AllowedAny(p Principal, permissions []Permission) error {
	var first error
	for _, permission := range permissions {
		err := AllowedSomewhere(p, permission)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// AllowedOne is nil where p may do one of these for the department; else it is the refusal
// of the first.
func AllowedOne(p Principal, permissions []Permission, department string) (first error) {
	for _, permission := range permissions {
		err := Allowed(p, permission, department)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// OpenLink recognizes the holder of a link, and puts on record that it was opened, or
// that somebody tried one that is not valid.
func (g *Gate) OpenLink(r *http.Request, text string) (Principal, Link, error) {
	p, l, err := g.svc.ByLink(text)
	e := by(p, "link.open", clip(l.Notice))
	e.Address = g.Address(r)
	if e.Who == "" {
		e.Who, e.Via = "link", ViaLink
	}
	var refused error
	if errors.Is(err, ErrLink) {
		refused = &Refusal{Name: e.Who, Permission: Permission{Notices, Read}, Reason: OtherNotice}
		e.Detail = ErrLink.Error()
	} else {
		refused = err
	}
	if told := g.svc.tell(e, refused); told != nil && refused == nil {
		return Principal{}, Link{}, told
	}
	return p, l, err
}

// EndLinks ends every link to the notice of a number, in the transaction that corrects it.
func EndLinks(i store.Identities, number string) error {
	var hit []Link
	err := store.EachIdentity(i, store.Links, func(_ string, l Link) error {
		if l.Notice == number && !l.Revoked {
			hit = append(hit, l)
		}
		return nil
	})
	for _, l := range hit {
		l.Revoked = true
		err = errors.Join(err, i.Put(store.Links, l.Nonce, l))
	}
	return err
}

// ErrRecord says that what happened could not be put on record, and therefore did not
// pass for done.
var ErrRecord = errors.New("the journal could not be written")

// Refuse puts on record that whoever sent a request was refused, and returns the refusal;
// with ErrRecord where that failed.
func (g *Gate) Refuse(r *http.Request, p Principal, refusal *Refusal) error {
	e := by(p, refusal.Permission.String(), refusal.Department)
	e.Address = g.Address(r)
	return g.svc.tell(e, refusal)
}
