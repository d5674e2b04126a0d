package auth

import (
	"fmt"
	"slices"
	"strings"
)

// Departments are those that somebody's permissions reach. The zero value
// reaches none.
type Departments struct {
	All   bool // every department, and what belongs to none
	Names []string
}

// Everywhere reaches every department.
func Everywhere() Departments { return Departments{All: true} }

// Includes reports whether the department is reached. What belongs to no
// department, or to several at once, has the name "": only All reaches it.
func (d Departments) Includes(department string) bool {
	return d.All || department != "" && slices.Contains(d.Names, department)
}

// Narrow returns the departments of d that names lists; d where names is empty.
func (d Departments) Narrow(names []string) Departments {
	if len(names) == 0 {
		return d
	}
	var out Departments
	for _, n := range names {
		if d.Includes(n) {
			out.Names = append(out.Names, n)
		}
	}
	return out
}

// Via is how a principal was recognized.
type Via string

// Ways to be recognized.
const (
	ViaSession Via = "session"
	ViaToken   Via = "token"
	ViaHeader  Via = "header" // set by a gateway
	ViaLink    Via = "link"
	ViaConsole Via = "console" // a command on the machine that holds the data
	ViaGuest   Via = "guest"   // nobody in particular, who is let in to a demonstration
)

// Due is what somebody must do before anything else.
type Due string

// Things that may be due.
const (
	DueNothing  Due = ""
	DuePassword Due = "password" // set a new password
	DueCodes    Due = "totp"     // set up one-time codes
)

// Principal is somebody who was recognized, and what reaches how far. The zero
// value may do nothing.
type Principal struct {
	Name        string // of the account, or os:NAME of the operating system's
	Via         Via
	Roles       []Role
	Departments Departments
	Scopes      []Permission // of a token or link: no more than these
	Notice      string       // of a link: the one notice it is for
	Due         Due
	Credential  string // public id of the session, token or link
}

// limited reports whether Scopes count.
func (p Principal) limited() bool { return p.Via == ViaToken || p.Via == ViaLink }

// Operator is the principal of a command on the machine that holds the data:
// whoever can open the state file can do to accounts what sysadmin and secadmin
// may, and nothing besides. name is the operating system's.
func Operator(name string) Principal {
	return Principal{Name: "os:" + name, Via: ViaConsole, Roles: []Role{SysAdmin, SecAdmin}, Departments: Everywhere()}
}

// Reason says why something was refused.
type Reason string

// Reasons of a Refusal.
const (
	NotSignedIn     Reason = "not signed in"
	NoRole          Reason = "no role that may"
	OtherDepartment Reason = "another department's"
	OutOfScope      Reason = "beyond the token's scopes"
	OtherNotice     Reason = "beyond the link's notice"
	OwnAccount      Reason = "nobody decides over the own account"
	NotInSession    Reason = "only in a session of one's own"
	SomethingDue    Reason = "something is due first"
)

// Refusal is the error of Allowed.
type Refusal struct {
	Name       string // who was refused; empty: not signed in
	Permission Permission
	Department string
	Reason     Reason
	Due        Due
}

// Error says who may not do what, why, and what it would take.
func (r *Refusal) Error() string {
	switch r.Reason {
	case NotSignedIn:
		if r.Permission == (Permission{}) { // of what everybody may who is signed in
			return ErrNoSession.Error()
		}
		return fmt.Sprintf("%s: sign in first", r.Permission)
	case NoRole:
		return fmt.Sprintf("%s may not %s: it takes one of the roles %s", r.Name, r.Permission, join(rolesWith(r.Permission)))
	case OtherDepartment:
		what := fmt.Sprintf("for department %q", r.Department)
		if r.Department == "" {
			what = "for all departments"
		}
		return fmt.Sprintf("%s may not %s %s: only for its own", r.Name, r.Permission, what)
	case SomethingDue:
		return fmt.Sprintf("%s may not %s yet: first %s", r.Name, r.Permission, map[Due]string{DuePassword: "set a new password", DueCodes: "set up one-time codes"}[r.Due])
	}
	return fmt.Sprintf("%s may not %s: %s", r.Name, r.Permission, r.Reason)
}

// rolesWith are the roles that have a permission, somewhere.
func rolesWith(want Permission) (out []Role) {
	for _, role := range Roles() {
		if slices.Contains(PermissionsOf(role), want) {
			out = append(out, role)
		}
	}
	return out
}

// Allowed is nil where p may do what permission says to what belongs to the
// department; else it is a *Refusal. department is "" for what belongs to none and
// for all departments at once; functions whose objects belong to no department
// ignore it. A link's principal is always refused: see AllowedNotice.
func Allowed(p Principal, permission Permission, department string) error {
	if p.Via == ViaLink {
		return refuse(p, permission, department, OtherNotice)
	}
	return allowed(p, permission, department)
}

// AllowedNotice is Allowed for what is done to one notice and its answer, which
// the principal of a link may do to the notice that the link is for.
func AllowedNotice(p Principal, permission Permission, department, notice string) error {
	if p.Via == ViaLink && (notice == "" || p.Notice != notice) {
		return refuse(p, permission, department, OtherNotice)
	}
	return allowed(p, permission, department)
}

func allowed(p Principal, permission Permission, department string) error {
	if p.Name == "" {
		return refuse(p, permission, department, NotSignedIn)
	}
	if p.Due != DueNothing {
		return refuse(p, permission, department, SomethingDue)
	}
	if p.limited() && !slices.Contains(p.Scopes, permission) {
		return refuse(p, permission, department, OutOfScope)
	}
	row, ok := rowOf(permission.Function)
	if !ok {
		return refuse(p, permission, department, NoRole)
	}
	why := NoRole
	for _, role := range p.Roles {
		for _, g := range row.grants(row.cell(role)) {
			if g.action != permission.Action {
				continue
			}
			if !row.owned || reaches(p, role, g, department) {
				return nil
			}
			why = OtherDepartment
		}
	}
	return refuse(p, permission, department, why)
}

// reaches reports whether a grant of a role extends to the department. The role
// dept is bound to departments by name even where the account is not.
func reaches(p Principal, role Role, g grant, department string) bool {
	if g.own || role == Dept {
		return department != "" && slices.Contains(p.Departments.Names, department)
	}
	return p.Departments.Includes(department)
}

func refuse(p Principal, permission Permission, department string, why Reason) error {
	return &Refusal{Name: p.Name, Permission: permission, Department: department, Reason: why, Due: p.Due}
}

// JournalReadable is nil where p may read what somebody with the roles of actor
// did: the auditor everything, the secadmin what users and auditors did, not what
// sysadmin and secadmin did.
func JournalReadable(p Principal, actor []Role) error {
	err := Allowed(p, Permission{Journal, Read}, "")
	if err == nil || slices.Contains(actor, SysAdmin) || slices.Contains(actor, SecAdmin) {
		return err
	}
	return Allowed(p, Permission{Journal, ReadOfUsers}, "")
}

// checkDepartments is an error where an account with the roles may not have these
// departments: dept needs them, and the officers' functions have none.
func checkDepartments(roles []Role, departments []string) error {
	for i, d := range departments {
		switch {
		case strings.TrimSpace(d) != d || d == "" || len(d) > 256 || strings.ContainsFunc(d, isControl):
			return fmt.Errorf("department %q: want the name of a department on one line", d)
		case slices.Contains(departments[:i], d):
			return fmt.Errorf("department %q is given twice", d)
		}
	}
	if len(departments) == 0 && slices.Contains(roles, Dept) {
		return fmt.Errorf("role %s without a department: name at least one", Dept)
	}
	for _, r := range roles {
		if len(departments) > 0 && (r == SysAdmin || r == SecAdmin || r == Auditor) {
			return fmt.Errorf("role %s with departments: its work belongs to none, leave them out", r)
		}
	}
	return nil
}
