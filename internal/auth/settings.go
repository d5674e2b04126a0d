package auth

import (
	"net/netip"
	"time"
)

// Settings are the rules of one installation.
type Settings struct {
	Officers     Officers
	Password     PasswordRules
	Lockout      Lockout
	Session      SessionRules
	TOTPRequired []Role         // that must have one-time codes
	Proxies      []netip.Prefix // of gateways, whose headers are believed
	Header       HeaderRules
	OIDC         OIDCRules
	External     map[string]Role // what gateways and providers call a role → the role
}

// Lockout is what follows wrong passwords (GB/T 22239-2019 8.1.4.1 b). It counts by
// account, whether there is one or not, and by address.
type Lockout struct {
	Failures        int           // of an account before it is locked, 1 to 100
	AddressFailures int           // of an address; more, where many people share one
	Shortest        time.Duration // of the first lock; each further one is twice as long
	Longest         time.Duration // of any
}

// SessionRules say when a session ends by itself.
type SessionRules struct {
	Idle    time.Duration // without a request
	Longest time.Duration // whatever happens
}

// HeaderRules name the headers by which a gateway says who sent a request. Empty:
// none.
type HeaderRules struct {
	Account     string
	Roles       string // words separated by commas; empty: the account's own
	Departments string // separated by commas; empty: the account's own
}

// OIDCRules name an OpenID Connect provider and what its claims mean. An empty
// Issuer: none.
type OIDCRules struct {
	Issuer           string
	ClientID         string
	ClientSecretEnv  string
	ClientSecretFile string
	RedirectURL      string
	CAFile           string
	Scopes           []string // beside openid
	AccountClaim     string
	RolesClaim       string // empty: the account's own roles
	DepartmentsClaim string // empty: the account's own departments
	Create           bool   // make an account of whom it vouches for
}

// DefaultSettings returns the rules of an empty configuration: local accounts
// only, by GB/T 22239-2019 level 3.
func DefaultSettings() Settings {
	return Settings{
		Officers: OfficersApart,
		Password: PasswordRules{MinLength: 8, MinClasses: 3, MaxAge: 90 * 24 * time.Hour},
		Lockout:  Lockout{Failures: 5, AddressFailures: 20, Shortest: 10 * time.Minute, Longest: 30 * time.Minute},
		Session:  SessionRules{Idle: 30 * time.Minute, Longest: 12 * time.Hour},
		OIDC:     OIDCRules{Scopes: []string{"profile"}, AccountClaim: "preferred_username"},
	}
}
