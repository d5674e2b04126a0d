package auth

import (
	"fmt"
	"slices"
	"strings"

	"yunjian/notice"
)

// Role is a set of permissions that an account holds: the word that a workflow knows
// whoever acts by.
type Role = notice.Role

// Roles, in the order of the matrix. That of the program itself, notice.System, is
// nobody's.
const (
	SysAdmin   = notice.Sysadmin   // 系统管理员
	SecAdmin   = notice.Secadmin   // 安全管理员
	Auditor    = notice.Auditor    // 审计员
	CloudAdmin = notice.Cloudadmin // 云管理员
	Supervisor = notice.Supervisor // 主管部门
	Finance    = notice.Finance    // 财务
	Dept       = notice.Dept       // 部门管理员, bound to departments
	Viewer     = notice.Viewer     // 只读
)

// Roles returns all roles, in the order of the matrix.
func Roles() []Role {
	return []Role{SysAdmin, SecAdmin, Auditor, CloudAdmin, Supervisor, Finance, Dept, Viewer}
}

// Officers says how far the three officers, sysadmin, secadmin and auditor, are
// kept apart (管理权限分离: GB/T 22239-2019 8.1.4.2).
type Officers string

// Ways to keep the officers apart.
const (
	OfficersApart  Officers = "apart"  // no account holds all three
	OfficersStrict Officers = "strict" // no account holds two
	OfficersOff    Officers = "off"
)

// CheckRoles is an error where an account may not hold these roles together, or
// one is unknown or given twice.
func CheckRoles(roles []Role, officers Officers) error {
	var held []string
	for i, r := range roles {
		if !slices.Contains(Roles(), r) {
			return fmt.Errorf("role %q: want one of %s", r, join(Roles()))
		}
		if slices.Contains(roles[:i], r) {
			return fmt.Errorf("role %s is given twice", r)
		}
		if r == SysAdmin || r == SecAdmin || r == Auditor {
			held = append(held, string(r))
		}
	}
	most := map[Officers]int{OfficersApart: 2, OfficersStrict: 1, OfficersOff: 3}[officers]
	if len(held) > most {
		return fmt.Errorf("roles %s in one account: it may hold at most %d of sysadmin, secadmin and auditor (auth.officers: %s)", strings.Join(held, ", "), most, officers)
	}
	return nil
}

func join[S ~string](words []S) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
