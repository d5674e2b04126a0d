package api

import (
	"net/http"
	"slices"
	"time"

	"yunjian/internal/auth"
)

// AccountView is an account without what is secret.
type AccountView struct {
	Name        string      `json:"name"`
	Title       string      `json:"title,omitempty"`
	Roles       []auth.Role `json:"roles" nullable:"false"`
	Departments []string    `json:"departments" nullable:"false" doc:"空：全部单位；角色 dept 则无 | empty: all, and none for role dept"`
	Password    bool        `json:"password" doc:"本地口令；否则由单点登录等担保 | signs in with a password of its own"`
	MustChange  bool        `json:"must_change,omitempty"`
	Codes       bool        `json:"codes" doc:"登录须一次性口令 | signing in takes a one-time code"`
	Disabled    bool        `json:"disabled,omitempty"`
	Expires     time.Time   `json:"expires,omitzero"`
	Created     time.Time   `json:"created"`
	LastSignIn  time.Time   `json:"last_sign_in,omitzero"`
}

func accountView(a auth.Account) AccountView {
	return AccountView{
		Name: a.Name, Title: a.Title, Roles: append([]auth.Role{}, a.Roles...), Departments: append([]string{}, a.Departments...), Password: a.Password != "",
		MustChange: a.MustChange, Codes: a.HasCodes(), Disabled: a.Disabled, Expires: a.Expires, Created: a.Created, LastSignIn: a.LastSignIn,
	}
}

// TokenView is a token without its secret.
type TokenView struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Owner       string            `json:"owner"`
	Scopes      []auth.Permission `json:"scopes" nullable:"false"`
	Departments []string          `json:"departments" nullable:"false" doc:"空：所有者的 | empty: the owner's"`
	Created     time.Time         `json:"created"`
	Expires     time.Time         `json:"expires"`
	LastUsed    time.Time         `json:"last_used,omitzero"`
	Revoked     bool              `json:"revoked,omitempty"`
}

func tokenView(t auth.APIToken) TokenView {
	return TokenView{
		ID: t.ID, Name: t.Name, Owner: t.Owner, Scopes: append([]auth.Permission{}, t.Scopes...), Departments: append([]string{}, t.Departments...),
		Created: t.Created, Expires: t.Expires, LastUsed: t.LastUsed, Revoked: t.Revoked,
	}
}

// NewTokenView is a token just made: its text is shown this once.
type NewTokenView struct {
	TokenView
	Token string `json:"token"`
}

// Named names an account.
type Named struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *api) accounts() {
	svc := a.gate.Service()
	decides := permissions("roles:approve")
	add(a, spec{
		id: "list-accounts", method: http.MethodGet, path: "/accounts", zh: "账号", en: "accounts", tag: "accounts", any: permissions("accounts:read", "roles:read"), scope: global,
	}, func(c call, in *Paging) (Page[AccountView], error) {
		all, err := svc.Accounts(c.p)
		return paged(all, *in, accountView), a.ofAccounts(c, err)
	})
	act(a, spec{
		id: "create-account", method: http.MethodPost, path: "/accounts", zh: "建账号；带角色须另有授权权限", en: "make an account; to give it roles as well takes roles:approve", tag: "accounts", any: permissions("accounts:create"), scope: global,
	}, func(c call, in *struct {
		Body struct {
			Name        string      `json:"name" maxLength:"64"`
			Title       string      `json:"title,omitempty" maxLength:"200"`
			Roles       []auth.Role `json:"roles,omitempty" maxItems:"8"`
			Departments []string    `json:"departments,omitempty" maxItems:"500"`
			Password    string      `json:"password,omitempty" maxLength:"1024" doc:"首次登录时须改；空：由单点登录等担保 | to be changed at the first sign-in; empty: others vouch for it"`
			Expires     time.Time   `json:"expires,omitzero"`
		}
	}) error {
		b := in.Body
		return a.ofAccounts(c, svc.Add(c.p, auth.NewAccount{Name: b.Name, Title: b.Title, Roles: b.Roles, Departments: b.Departments, Password: b.Password, Expires: b.Expires}))
	})
	act(a, spec{
		id: "set-roles", method: http.MethodPut, path: "/accounts/{name}/roles", zh: "授予角色与单位，取代原有的", en: "give roles and departments in place of those before", tag: "accounts", any: decides, scope: global,
	}, func(c call, in *struct {
		Named
		Body struct {
			Roles       []auth.Role `json:"roles" maxItems:"8"`
			Departments []string    `json:"departments,omitempty" maxItems:"500"`
		}
	}) error {
		return a.ofAccounts(c, svc.SetRoles(c.p, in.Name, in.Body.Roles, in.Body.Departments))
	})
	act(a, spec{
		id: "set-password", method: http.MethodPut, path: "/accounts/{name}/password", zh: "重置他人口令", en: "reset another's password", tag: "accounts", any: decides, scope: global,
	}, func(c call, in *struct {
		Named
		Body struct {
			Password string `json:"password" maxLength:"1024"`
		}
	}) error {
		return a.ofAccounts(c, svc.ResetPassword(c.p, in.Name, in.Body.Password))
	})
	for _, x := range []struct {
		path, zh, en string
		do           func(auth.Principal, string) error
	}{
		{"disable", "停用账号，连同会话与令牌", "end the use of an account, with its sessions and tokens", svc.Disable},
		{"enable", "启用账号", "allow the use of an account again", svc.Enable},
		{"unlock", "解除登录失败锁定", "forget the failures that locked an account", svc.Unlock},
		{"remove-codes", "取消他人的一次性口令", "take one-time codes away from another's account", svc.RemoveCodes},
	} {
		act(a, spec{
			id: x.path + "-account", method: http.MethodPost, path: "/accounts/{name}/" + x.path, zh: x.zh, en: x.en, tag: "accounts", any: decides, scope: global,
		}, func(c call, in *Named) error { return a.ofAccounts(c, x.do(c.p, in.Name)) })
	}
	a.sessions()
	a.tokens()
}

func (a *api) sessions() {
	svc := a.gate.Service()
	add(a, spec{
		id: "list-sessions", method: http.MethodGet, path: "/accounts/{name}/sessions", zh: "一个账号的会话：自己的，或有 roles:read", en: "the sessions of an account: one's own, or with roles:read", tag: "accounts", scope: signed,
	}, func(c call, in *struct {
		Named
		Paging
	}) (Page[auth.Session], error) {
		all, err := svc.Sessions(c.p, in.Name)
		return page(all, in.Paging), a.ofAccounts(c, err)
	})
	act(a, spec{
		id: "end-session", method: http.MethodDelete, path: "/sessions/{id}", zh: "结束一个会话：自己的，或有 roles:approve", en: "end a session: one's own, or with roles:approve", tag: "accounts", scope: signed,
	}, func(c call, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) error {
		return a.ofAccounts(c, svc.EndSession(c.p, in.ID))
	})
	add(a, spec{
		id: "begin-codes", method: http.MethodPost, path: "/session/codes", zh: "为自己设一次性口令：密钥只显示这一次", en: "set up one-time codes for oneself: the secret is shown this once", tag: "session", scope: signed,
	}, func(c call, _ *none) (CodesView, error) {
		got, err := svc.BeginCodes(c.p, c.p.Name)
		return CodesView(got), a.ofAccounts(c, err)
	})
	add(a, spec{
		id: "confirm-codes", method: http.MethodPost, path: "/session/codes/confirm", zh: "启用一次性口令，返回备用码", en: "take one-time codes into use; answers the recovery codes", tag: "session", scope: signed,
	}, func(c call, in *struct {
		Body struct {
			Code string `json:"code" maxLength:"16"`
		}
	}) (Recovery, error) {
		codes, err := svc.ConfirmCodes(c.p, c.p.Name, in.Body.Code)
		return Recovery{append([]string{}, codes...)}, a.ofAccounts(c, err)
	})
}

// CodesView is what an authenticator app is set up with.
type CodesView struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"`
}

// Recovery is codes to be kept on paper.
type Recovery struct {
	Codes []string `json:"codes" nullable:"false"`
}

func (a *api) tokens() {
	svc := a.gate.Service()
	add(a, spec{
		id: "list-tokens", method: http.MethodGet, path: "/tokens", zh: "令牌：自己的；有 roles:read 可列他人的与全部", en: "tokens: one's own, or anybody's with roles:read", tag: "accounts", scope: signed,
	}, func(c call, in *struct {
		Paging
		Owner string `query:"owner" maxLength:"64" doc:"默认自己 | default: oneself"`
		All   bool   `query:"all" doc:"全部账号的 | of all accounts"`
	}) (Page[TokenView], error) {
		owner := in.Owner
		if owner == "" && !in.All {
			owner = c.p.Name
		}
		all, err := svc.Tokens(c.p, owner)
		return paged(all, in.Paging, tokenView), a.ofAccounts(c, err)
	})
	add(a, spec{
		id: "create-token", method: http.MethodPost, path: "/tokens", zh: "为自己生成令牌，须已登录；只显示这一次", en: "make a token for oneself, in a session; it is shown this once", tag: "accounts", scope: signed, status: http.StatusCreated,
	}, func(c call, in *struct {
		Body struct {
			Name        string    `json:"name" maxLength:"256"`
			Scopes      []string  `json:"scopes" minItems:"1" maxItems:"100"`
			Departments []string  `json:"departments,omitempty" maxItems:"500"`
			Expires     time.Time `json:"expires"`
		}
	}) (NewTokenView, error) {
		n := auth.NewToken{Name: in.Body.Name, Owner: c.p.Name, Departments: in.Body.Departments, Expires: in.Body.Expires}
		for _, s := range in.Body.Scopes {
			p, err := auth.ParsePermission(s)
			if err != nil {
				return NewTokenView{}, mistaken("body.scopes", err.Error())
			}
			if !slices.Contains(n.Scopes, p) {
				n.Scopes = append(n.Scopes, p)
			}
		}
		text, t, err := svc.AddToken(c.p, n)
		return NewTokenView{tokenView(t), text}, a.ofAccounts(c, err)
	})
	act(a, spec{
		id: "revoke-token", method: http.MethodDelete, path: "/tokens/{id}", zh: "作废令牌：自己的，或有 roles:approve", en: "end a token: one's own, or with roles:approve", tag: "accounts", scope: signed,
	}, func(c call, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) error {
		return a.ofAccounts(c, svc.RevokeToken(c.p, in.ID))
	})
}
