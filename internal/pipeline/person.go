package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/store"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/ownership"
	"yunjian/recommender"
)

// Person reads and acts for somebody, by what auth says that he may: what is another
// department's is left out of lists and sums, and asked for by its id it is a refusal.
// Whoever serves people holds a Person and not the Data, so that a check that was
// forgotten shows nothing.
type Person struct {
	data *Data
	p    auth.Principal
}

// Who is what the journal calls whoever was recognized, at a network address.
func Who(p auth.Principal, address string) journal.Who {
	roles := make([]string, len(p.Roles))
	for i, r := range p.Roles {
		roles[i] = string(r)
	}
	return journal.Who{Actor: p.Name, Role: strings.Join(roles, " "), Address: address}
}

// For returns the data as p may see and change it.
func (d *Data) For(p auth.Principal) Person { return Person{d, p} }

// Permissions of what a Person reads.
var (
	readCases      = auth.Permission{Function: auth.Notices, Action: auth.Read}
	readExemptions = auth.Permission{Function: auth.Exemptions, Action: auth.Read}
	readAdvice     = auth.Permission{Function: auth.Recommendations, Action: auth.Read}
	readInventory  = auth.Permission{Function: auth.Inventory, Action: auth.Read}
	readReminders  = auth.Permission{Function: auth.Reminders, Action: auth.Read}
	readSavings    = auth.Permission{Function: auth.Savings, Action: auth.Read}
)

// reached leaves of a list what p may see.
func reached[T any](p auth.Principal, permission auth.Permission, all []T, department func(T) string) ([]T, error) {
	if err := auth.AllowedSomewhere(p, permission); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(x T) bool { return auth.Allowed(p, permission, department(x)) != nil }), nil
}

// found refuses what p may not see, and says of what is not there that it is not; which
// of both a person is told must not show.
func found(p auth.Principal, permission auth.Permission, ok bool, department string) error {
	if err := auth.AllowedSomewhere(p, permission); err != nil {
		return err
	}
	if !ok {
		return auth.ErrNotFound
	}
	return auth.Allowed(p, permission, department)
}

func departmentOf(c notice.Case) string { return c.Department }

// Cases returns the cases that the person may see, by id.
func (x Person) Cases() ([]notice.Case, error) {
	all, err := x.data.State.Cases()
	if err != nil {
		return nil, err
	}
	return reached(x.p, readCases, all, departmentOf)
}

// Case returns one case.
func (x Person) Case(id string) (notice.Case, error) {
	c, ok, err := x.data.State.Case(id)
	if err == nil {
		err = found(x.p, readCases, ok, c.Department)
	}
	if err != nil {
		return notice.Case{}, err
	}
	return c, nil
}

// Exempted returns the cases in which an exemption was asked for.
func (x Person) Exempted() ([]notice.Case, error) {
	all, err := x.data.State.Cases()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c notice.Case) bool { return c.Exemption == nil })
	return reached(x.p, readExemptions, all, departmentOf)
}

// Reminders returns who is to be reminded of what on the day of o.Now.
func (x Person) Reminders(o CaseOptions) ([]notice.Reminder, error) {
	all, err := x.data.State.Cases()
	if err != nil {
		return nil, err
	}
	all, err = reached(x.p, readReminders, all, departmentOf)
	if err != nil {
		return nil, err
	}
	return notice.Reminders(all, o.Now, o.Calendar), nil
}

// Notices returns the version in force of every notice that the person may see, by
// number.
func (x Person) Notices() (out []notice.Notice, err error) {
	all, err := x.data.State.Notices()
	if err != nil {
		return nil, err
	}
	for _, n := range all { // by number and version: the last of a number is in force
		if k := len(out) - 1; k >= 0 && out[k].Number == n.Number {
			out[k] = n
			continue
		}
		out = append(out, n)
	}
	return reached(x.p, readCases, out, func(n notice.Notice) string { return n.Department })
}

// Notice returns every version of a notice, the first one first; at least one.
func (x Person) Notice(number string) ([]notice.Notice, error) {
	all, err := x.data.State.Versions(number)
	if err != nil {
		return nil, err
	}
	department := ""
	if len(all) > 0 {
		department = all[0].Department
	}
	if err := found(x.p, readCases, len(all) > 0, department); err != nil {
		return nil, err
	}
	return all, nil
}

// Answers returns every version of the answer to a notice, the first one first.
func (x Person) Answers(number string) ([]notice.Acknowledgement, error) {
	if _, err := x.Notice(number); err != nil {
		return nil, err
	}
	return x.data.State.Acknowledgements(number)
}

// Verify holds a code against what was issued under a number, for anybody who has the
// paper: the version that it is the code of, and whether that is in force. It wraps
// notice.ErrNotThis alike where there is no such number.
func (d *Data) Verify(number, code string) (n notice.Notice, inForce bool, err error) {
	all, err := d.State.Versions(number)
	if err != nil {
		return notice.Notice{}, false, err
	}
	for i, n := range all {
		if notice.Verify(n, code) == nil {
			return n, i == len(all)-1, nil
		}
	}
	return notice.Notice{}, false, notice.ErrNotThis
}

// Ledger returns the entries that the person may see, by cloud and time.
func (x Person) Ledger() ([]ledger.Entry, error) {
	all, err := x.data.State.Ledger()
	if err != nil {
		return nil, err
	}
	return reached(x.p, readSavings, all, func(e ledger.Entry) string { return e.Department })
}

// Bills returns the bills that were imported. They are of all departments at once.
func (x Person) Bills() ([]ledger.Bill, error) {
	if err := auth.Allowed(x.p, readSavings, ""); err != nil {
		return nil, err
	}
	return x.data.State.Bills()
}

// Resources returns what the inventories hold, by cloud.
func (x Person) Resources() ([]cloud.Resource, error) {
	all, err := x.data.fleet()
	if err != nil {
		return nil, err
	}
	return reached(x.p, readInventory, all, func(r cloud.Resource) string { return r.Department })
}

// Resource returns one resource.
func (x Person) Resource(id string) (cloud.Resource, error) {
	all, err := x.data.fleet()
	if err != nil {
		return cloud.Resource{}, err
	}
	i := slices.IndexFunc(all, func(r cloud.Resource) bool { return r.ID == id })
	r := cloud.Resource{}
	if i >= 0 {
		r = all[i]
	}
	if err := found(x.p, readInventory, i >= 0, r.Department); err != nil {
		return cloud.Resource{}, err
	}
	return r, nil
}

// Explained returns a resource whose verdict the person may have derived.
func (x Person) Explained(id string) (cloud.Resource, error) {
	r, err := x.Resource(id)
	if err == nil {
		err = auth.Allowed(x.p, readAdvice, r.Department)
	}
	if err != nil {
		return cloud.Resource{}, err
	}
	return r, nil
}

// Explain derives the verdict on a resource of Explained. How many were judged beside it
// is of all departments.
func (x Person) Explain(ctx context.Context, o AuditOptions, r cloud.Resource) (Explanation, error) {
	e, err := x.data.Explain(ctx, o, r)
	if auth.Allowed(x.p, readAdvice, "") != nil {
		e.Fleet = 0
	}
	return e, err
}

func (d *Data) fleet() (all []cloud.Resource, err error) {
	inventories, err := d.State.Inventories()
	for _, inv := range inventories {
		for _, r := range inv.Resources {
			r.Cloud = cmp.Or(r.Cloud, inv.Cloud)
			all = append(all, r)
		}
	}
	return all, err
}

// Audit returns of the latest audit what the person may see: what it advises, refused and
// found of the resources that are his. Its totals, which are of all departments, are
// those of a whole audit, and else left out. false where none is stored.
func (x Person) Audit() (a audit.Audit, ok bool, err error) {
	if err := auth.AllowedSomewhere(x.p, readAdvice); err != nil {
		return audit.Audit{}, false, err
	}
	a, ok, err = x.data.LatestAudit()
	if err != nil || !ok || auth.Allowed(x.p, readAdvice, "") == nil {
		return a, ok, err
	}
	all, err := x.data.fleet()
	if err != nil {
		return audit.Audit{}, false, err
	}
	of := map[string]string{}
	for _, r := range all {
		of[r.ID] = r.Department
	}
	mine := func(id string) bool { return auth.Allowed(x.p, readAdvice, of[id]) == nil }
	a.Totals = audit.Totals{}
	a.Findings = slices.DeleteFunc(a.Findings, func(f analyzer.Finding) bool { return !mine(f.ResourceID) })
	a.Recommendations = slices.DeleteFunc(a.Recommendations, func(r recommender.Recommendation) bool {
		return !mine(r.ResourceID) || auth.Allowed(x.p, readAdvice, r.Department) != nil // of two owners, both
	})
	a.Refusals = slices.DeleteFunc(a.Refusals, func(r recommender.Refusal) bool { return !mine(r.ResourceID) })
	return a, true, nil
}

// Directory returns departments and applications, of the person's departments.
func (x Person) Directory() (d ownership.Directory, err error) {
	if d, err = x.data.State.Directory(); err != nil {
		return ownership.Directory{}, err
	}
	if d.Departments, err = reached(x.p, readInventory, d.Departments, func(d ownership.Department) string { return d.Name }); err != nil {
		return ownership.Directory{}, err
	}
	d.Applications, err = reached(x.p, readInventory, d.Applications, func(a ownership.Application) string { return a.Department })
	return d, err
}

// Orphans returns the resources without an owner, and whose they may be, which is a word
// about other departments: it takes all of them.
func (x Person) Orphans() ([]ownership.Orphan, error) {
	if err := auth.Allowed(x.p, readInventory, ""); err != nil {
		return nil, err
	}
	all, err := x.data.fleet()
	return ownership.Queue(all), err
}

// Journal hands the entries that the filter lets pass and the person may read to do, from
// the first. Who acted counts with the roles that the entry names and those that his
// account has now.
func (x Person) Journal(f journal.Filter, do func(journal.Entry) error) error {
	if err := auth.AllowedAny(x.p, []auth.Permission{{Function: auth.Journal, Action: auth.Read}, {Function: auth.Journal, Action: auth.ReadOfUsers}}); err != nil {
		return err
	}
	roles := map[string][]auth.Role{journal.System.Actor: {auth.SysAdmin}, "setup": {auth.SysAdmin}}
	err := x.data.State.ViewIdentities(func(i store.Identities) error {
		return store.EachIdentity(i, store.Accounts, func(name string, a auth.Account) error {
			roles[name] = a.Roles
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read whose roles: %w", err)
	}
	return x.data.State.Journal(f, func(e journal.Entry) error {
		if auth.JournalReadable(x.p, rolesOf(e, roles)) != nil {
			return nil
		}
		return do(e)
	})
}

// rolesOf are the roles of whoever made an entry. A command is an officer's.
func rolesOf(e journal.Entry, now map[string][]auth.Role) []auth.Role {
	if strings.HasPrefix(e.Actor, "cli:") || strings.HasPrefix(e.Actor, "os:") {
		return []auth.Role{auth.SysAdmin, auth.SecAdmin}
	}
	out := slices.Clone(now[e.Actor])
	for _, word := range strings.FieldsFunc(e.Role, func(r rune) bool { return r == ' ' || r == ',' }) {
		out = append(out, auth.Role(word))
	}
	return out
}

// Recommendation returns one piece of advice of the latest audit. Where the resource has
// another owner by now, it takes the permission over both, as in Audit.
func (x Person) Recommendation(id string) (recommender.Recommendation, error) {
	a, ok, err := x.data.LatestAudit()
	if err != nil {
		return recommender.Recommendation{}, err
	}
	i := slices.IndexFunc(a.Recommendations, func(r recommender.Recommendation) bool { return ok && r.ID == id })
	if i < 0 {
		return recommender.Recommendation{}, found(x.p, readAdvice, false, "")
	}
	r := a.Recommendations[i]
	all, err := x.data.fleet()
	if err == nil {
		err = found(x.p, readAdvice, true, r.Department)
	}
	for _, m := range all {
		if err == nil && m.ID == r.ResourceID {
			err = auth.Allowed(x.p, readAdvice, m.Department)
		}
	}
	if err != nil {
		return recommender.Recommendation{}, err
	}
	return r, nil
}
