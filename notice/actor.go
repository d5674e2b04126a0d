package notice

import "slices"

// Role is what a person may do.
type Role string

// Roles. One person may hold several and acts in one at a time.
const (
	Sysadmin   Role = "sysadmin"
	Secadmin   Role = "secadmin"
	Auditor    Role = "auditor"
	Cloudadmin Role = "cloudadmin"
	Supervisor Role = "supervisor" // of the supervising authority
	Finance    Role = "finance"
	Dept       Role = "dept" // of the department that uses the resource
	Viewer     Role = "viewer"

	// System is the program itself: what time brings, and what the cloud shows.
	System Role = "system"
)

// Roles lists every role, System last.
func Roles() []Role {
	return []Role{Sysadmin, Secadmin, Auditor, Cloudadmin, Supervisor, Finance, Dept, Viewer, System}
}

// Actor is who does something, in one role.
type Actor struct {
	ID   string `json:"id"`
	Role Role   `json:"role"`
	// Department is that of an actor with the role Dept, who sees its cases alone.
	Department string `json:"department,omitempty"`
}

// Program is the actor of events that no person makes.
func Program() Actor { return Actor{ID: string(System), Role: System} }

func (a Actor) known() bool { return a.ID != "" && slices.Contains(Roles(), a.Role) }

// outside reports whether the case is none of the actor's business. A case of no
// department belongs to none.
func (a Actor) outside(c Case) bool {
	return a.Role == Dept && (a.Department == "" || a.Department != c.Department)
}
