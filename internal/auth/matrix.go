package auth

import (
	"fmt"
	"slices"
	"strings"
)

// Function is a part of Yunjian that people are given a hand in.
type Function string

// Functions, in the order of the matrix.
const (
	System          Function = "system"          // 系统参数、备份、集成
	AccountsFn      Function = "accounts"        // 用户建、删
	RolesFn         Function = "roles"           // 角色授权、启停、重置
	Journal         Function = "journal"         // 审计日志
	Inventory       Function = "inventory"       // 台账
	Samples         Function = "samples"         // 指标数据
	Policies        Function = "policies"        // 策略包
	Recommendations Function = "recommendations" // 评估、处置建议
	Notices         Function = "notices"         // 通知
	Receipts        Function = "receipts"        // 签收、回执
	Exemptions      Function = "exemptions"      // 豁免
	Reminders       Function = "reminders"       // 督办、催办
	Force           Function = "force"           // 强制处置
	Execution       Function = "execution"       // 实施登记、清除确认
	Prices          Function = "prices"          // 价目表
	Savings         Function = "savings"         // 节约核实
	Reports         Function = "reports"         // 周报、通报
)

// Action is what is done with a function.
type Action string

// Actions. Create, Approve and Execute mean what the matrix calls C, A and X.
const (
	Create      Action = "create"
	Read        Action = "read"
	Approve     Action = "approve"
	Execute     Action = "execute"
	Correct     Action = "correct"    // 更正申请: ask that the inventory be put right
	ReadOfUsers Action = "read-users" // of the journal: what users and auditors did
	First       Action = "first"      // of force: the first of two people
	Second      Action = "second"     // of force: the second
	Confirm     Action = "confirm"    // 确认: that something was done, or wiped
	Export      Action = "export"     // take a copy away
)

// Permission is one thing that somebody may do.
type Permission struct {
	Function Function
	Action   Action
}

// String is function:action.
func (p Permission) String() string { return string(p.Function) + ":" + string(p.Action) }

// MarshalText writes function:action.
func (p Permission) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a permission of the matrix.
func (p *Permission) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePermission(string(text))
	return err
}

// ParsePermission reads function:action as the matrix has it.
func ParsePermission(s string) (Permission, error) {
	function, action, _ := strings.Cut(s, ":")
	p := Permission{Function(function), Action(action)}
	if !slices.Contains(Permissions(), p) {
		return Permission{}, fmt.Errorf("permission %q: want one of %s", s, strings.Join(permissionNames(), ", "))
	}
	return p, nil
}

func permissionNames() (out []string) {
	for _, p := range Permissions() {
		out = append(out, p.String())
	}
	return out
}

// row is a function of the matrix and what each role may do with it.
type row struct {
	function Function
	// owned: what the function deals with belongs to departments. What does not is
	// the same for all of them, such as a policy pack.
	owned bool
	cells [8]string // by role, in the order of Roles
}

// matrix is who may do what: the one place that says so. A cell lists letters and
// words; 本 behind one is "of the own department only".
//
// Whoever may do something with a function may also read it, as widely: nobody
// approves what he cannot see. The journal is the exception: who may read part of
// it may read that part.
var matrix = []row{
	//                       sysadmin secadmin auditor cloudadmin supervisor finance dept        viewer
	{System, false, [8]string{"X", "", "", "", "", "", "", ""}},
	{AccountsFn, false, [8]string{"C", "", "", "", "", "", "", ""}},
	{RolesFn, false, [8]string{"", "A", "", "", "", "", "", ""}},
	{Journal, false, [8]string{"", "R用户", "R X", "", "", "", "", ""}},
	{Inventory, true, [8]string{"", "", "", "C", "R", "R", "R本 更正", "R"}},
	{Samples, true, [8]string{"", "", "", "C", "", "", "", ""}},
	{Policies, false, [8]string{"", "", "", "C", "A", "R", "R", "R"}},
	{Recommendations, true, [8]string{"", "", "", "C X", "R", "R", "R本", "R"}},
	{Notices, true, [8]string{"", "", "", "C", "A", "R", "R本", ""}},
	{Receipts, true, [8]string{"", "", "", "", "", "", "C本", ""}},
	{Exemptions, true, [8]string{"", "", "", "R", "A", "R", "C", ""}},
	{Reminders, true, [8]string{"", "", "", "C", "C", "", "", ""}},
	{Force, true, [8]string{"", "", "", "1st", "2nd", "", "", ""}},
	{Execution, true, [8]string{"", "", "", "X", "R", "R", "确认", ""}},
	{Prices, false, [8]string{"", "", "", "R", "R", "C A", "", ""}},
	{Savings, true, [8]string{"", "", "", "R", "R", "A", "R本", ""}},
	{Reports, true, [8]string{"", "", "", "C", "A", "R 导出", "R本", "R"}},
}

// words are the actions that the cells of the matrix name.
var words = map[string]Action{
	"C": Create, "R": Read, "A": Approve, "X": Execute, "1st": First, "2nd": Second,
	"R用户": ReadOfUsers, "更正": Correct, "确认": Confirm, "导出": Export,
}

// grant is one action that a cell gives.
type grant struct {
	action Action
	own    bool // of the own department only
}

// grants reads a cell, with the reading that goes without saying.
func (r row) grants(cell string) (out []grant) {
	reads := false
	for _, word := range strings.Fields(cell) {
		name, own := strings.CutSuffix(word, "本")
		g := grant{words[name], own}
		out = append(out, g)
		reads = reads || g.action == Read || g.action == ReadOfUsers
	}
	switch {
	case len(out) > 0 && !reads:
		out = append(out, grant{Read, out[0].own})
	case r.function == Journal && slices.Contains(out, grant{action: Read}):
		out = append(out, grant{action: ReadOfUsers})
	}
	return out
}

// cell is what a role may do with the function.
func (r row) cell(role Role) string {
	if i := slices.Index(Roles(), role); i >= 0 {
		return r.cells[i]
	}
	return ""
}

func rowOf(f Function) (row, bool) {
	i := slices.IndexFunc(matrix, func(r row) bool { return r.function == f })
	if i < 0 {
		return row{}, false
	}
	return matrix[i], true
}

// Permissions returns every permission that some role has, in the order of the
// matrix.
func Permissions() (out []Permission) {
	for _, r := range matrix {
		for _, cell := range r.cells {
			for _, g := range r.grants(cell) {
				if p := (Permission{r.function, g.action}); !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// PermissionsOf returns what a role may do, in the order of the matrix.
func PermissionsOf(role Role) (out []Permission) {
	for _, r := range matrix {
		for _, g := range r.grants(r.cell(role)) {
			out = append(out, Permission{r.function, g.action})
		}
	}
	return out
}
