package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"yunjian/internal/auth"
)

// Me is who the caller is and what he may do.
type Me struct {
	Account        string      `json:"account"`
	Via            auth.Via    `json:"via" doc:"session, token, header"`
	Roles          []auth.Role `json:"roles"`
	AllDepartments bool        `json:"all_departments"`
	Departments    []string    `json:"departments"`
	Permissions    []string    `json:"permissions" doc:"在某个单位可做的事 | what may be done, in some department at least"`
	Due            auth.Due    `json:"due,omitempty" doc:"必须先做的事 | what must be done first: password, totp"`
}

func (a *api) session() {
	add(a, spec{
		id: "get-session", method: http.MethodGet, path: "/session", zh: "我是谁，能做什么", en: "who am I, and what may I do", tag: "session", scope: signed,
	}, func(c call, _ *none) (Me, error) {
		me := Me{
			Account: c.p.Name, Via: c.p.Via, Roles: append([]auth.Role{}, c.p.Roles...), AllDepartments: c.p.Departments.All,
			Departments: append([]string{}, c.p.Departments.Names...), Permissions: []string{}, Due: c.p.Due,
		}
		for _, p := range auth.Permissions() {
			if auth.AllowedSomewhere(c.p, p) == nil {
				me.Permissions = append(me.Permissions, p.String())
			}
		}
		return me, nil
	})
	a.signIn("login", "登录", "sign in", map[string]string{"name": "", "password": "", "code": "一次性口令，账号设有时 | one-time code, where the account has them"}, http.StatusOK)
	a.signIn("logout", "退出", "sign out", nil, http.StatusNoContent)
	a.signIn("password", "修改自己的口令", "change the own password", map[string]string{"old": "", "new": ""}, http.StatusNoContent)
}

// signIn puts into the document what auth.Gate answers itself, so that one document says
// all.
func (a *api) signIn(path, zh, en string, fields map[string]string, status int) {
	op := &huma.Operation{
		OperationID: "auth-" + path, Method: http.MethodPost, Path: AuthPrefix + "/" + path, Summary: zh + " | " + en, Tags: []string{"session"},
		Extensions: map[string]any{"x-permission": string(public), "x-scope": "auth"},
		Responses: map[string]*huma.Response{
			"401": {Description: "Unauthorized"}, "429": {Description: "Too Many Requests"},
			map[int]string{http.StatusOK: "200", http.StatusNoContent: "204"}[status]: {Description: http.StatusText(status)},
		},
	}
	if fields != nil {
		properties := map[string]*huma.Schema{}
		for name, doc := range fields {
			properties[name] = &huma.Schema{Type: "string", Description: doc}
		}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: "object", Properties: properties, AdditionalProperties: false}},
		}}
	}
	a.huma.OpenAPI().AddOperation(op)
}

// AuthPrefix is below what auth.Gate's routes stand.
const AuthPrefix = "/api/auth"
