package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Gate recognizes who sends an HTTP request and guards handlers.
type Gate struct {
	svc      *Service
	provider *Provider // nil: no OIDC
	guest    Principal // who whoever is not recognized is; zero: nobody
	signIns  *limiter
	links    *limiter
	tokens   *limiter // of tokens that are none
}

// NewGate returns a gate over a service. A nil provider: no OIDC.
func NewGate(svc *Service, provider *Provider) *Gate {
	return &Gate{
		svc: svc, provider: provider,
		signIns: newLimiter(10*time.Second, 10), links: newLimiter(6*time.Second, 20), tokens: newLimiter(time.Second, 20),
	}
}

// Open lets whoever is not recognized pass as p: for a demonstration, whose data is
// made up. It is to be called before the gate is used.
func (g *Gate) Open(p Principal) { g.guest = p }

// Service is what the gate stands before.
func (g *Gate) Service() *Service { return g.svc }

// OIDC reports whether people may sign in through a provider.
func (g *Gate) OIDC() bool { return g.provider != nil }

// sessionCookie: with this prefix browsers take it only over TLS or from this
// machine, and from no other host.
const sessionCookie = "__Host-yunjian"

func setCookie(w http.ResponseWriter, name, value string, site http.SameSite, age time.Duration) {
	seconds := int(age / time.Second)
	if value == "" {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, Secure: true, HttpOnly: true, SameSite: site})
}

type principalKey struct{}

// From returns who sent the request of ctx; the zero Principal where nobody was
// recognized.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// ErrNotFound is what a resolver of Require returns of an object that is not there.
var ErrNotFound = errors.New("there is no such thing")

// Handler recognizes the sender of each request and refuses those that another
// site made a browser send. Whoever is not recognized passes as nobody: what is
// not public stands behind Require.
func (g *Gate) Handler(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.recognize(r)
		switch {
		case errors.Is(err, errTooMany):
			tooMany(w, r)
		case errors.Is(err, ErrSignIn):
			w.Header().Set("WWW-Authenticate", `Bearer realm="yunjian"`)
			answer(w, http.StatusUnauthorized, ErrSignIn.Error())
		case err != nil:
			answer(w, http.StatusInternalServerError, "internal error: see the log")
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, p)))
		}
	}))
}

// errTooMany: what is refused so often is no longer put on record, which is a
// write each.
var errTooMany = errors.New("too many requests")

// recognize tries a bearer token, the gateway's header and the session, in this
// order. A token that is wrong is an error; a session that ended is nobody.
func (g *Gate) recognize(r *http.Request) (Principal, error) {
	if text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		p, err := g.svc.ByToken(text, g.Address(r))
		if errors.Is(err, ErrSignIn) && !g.tokens.allow(addressFailures(g.Address(r))) {
			return p, errTooMany
		}
		if errors.Is(err, ErrSignIn) {
			err = g.svc.tell(Event{Who: "token", Via: ViaToken, Address: g.Address(r), What: "token.use", Detail: "not a token, or no longer one"}, ErrSignIn)
		}
		return p, err
	}
	if g.svc.set.Header.Account != "" && g.fromProxy(r) {
		p, ok, err := g.svc.byHeaders(r.Header.Values)
		if err != nil && !errors.Is(err, ErrSignIn) {
			err = g.svc.tell(Event{Who: "header", Via: ViaHeader, Address: g.Address(r), What: "header.accept", Detail: err.Error()}, ErrSignIn)
		}
		if ok || err != nil {
			return p, err
		}
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return g.guest, nil
	}
	p, err := g.svc.BySession(cookie.Value)
	if errors.Is(err, ErrSignIn) {
		return g.guest, nil
	}
	return p, err
}

// fromProxy reports whether the peer is a gateway of the configuration. Headers of
// anybody else are not looked at.
func (g *Gate) fromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && g.isProxy(peer.Addr())
}

func (g *Gate) isProxy(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(g.svc.set.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Address is the client's: the peer's, or where that is a gateway of the
// configuration, what it forwards, past further gateways.
func (g *Gate) Address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !g.isProxy(address) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = next.Unmap()
	}
	return address.String()
}

// Require lets a request pass where its sender may do what permission says to the
// object that it names. department finds whose that is: the name of a department,
// or "" for what belongs to none or to several; ErrNotFound where there is no such
// object. Another department's object is answered as one that is not there.
func (g *Gate) Require(permission Permission, department func(*http.Request) (string, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := From(r.Context())
		if p.Name == "" {
			answer(w, http.StatusUnauthorized, (&Refusal{Permission: permission, Reason: NotSignedIn}).Error())
			return
		}
		of, err := department(r)
		if err == nil {
			err = g.Check(r, permission, of)
		}
		var refusal *Refusal
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case errors.Is(err, ErrNotFound), errors.As(err, &refusal) && refusal.Reason == OtherDepartment:
			answer(w, http.StatusNotFound, ErrNotFound.Error())
		case refusal != nil:
			answer(w, http.StatusForbidden, refusal.Error())
		default:
			answer(w, http.StatusInternalServerError, "internal error: see the log")
		}
	})
}

// Check is Allowed for the sender of a request, for handlers that learn late whose
// an object is; a refusal goes on record.
func (g *Gate) Check(r *http.Request, permission Permission, department string) error {
	p := From(r.Context())
	err := Allowed(p, permission, department)
	if err == nil {
		return nil
	}
	e := by(p, permission.String(), department)
	e.Address = g.Address(r)
	return g.svc.tell(e, err)
}

// Nobodys is the resolver of what belongs to no department.
func Nobodys(*http.Request) (string, error) { return "", nil }

// maxBody bounds the body of a sign-in, in bytes.
const maxBody = 16 << 10

// Routes returns the handlers of signing in and out, to be mounted within Handler:
// POST /login, /logout, /password and /setup with JSON bodies, and where there is
// a provider GET /login/oidc and /login/oidc/callback.
func (g *Gate) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /login", g.limited(g.signIns, g.postLogin))
	mux.HandleFunc("POST /logout", g.postLogout)
	mux.Handle("POST /password", g.limited(g.signIns, g.postPassword))
	mux.Handle("POST /setup", g.limited(g.signIns, g.postSetup))
	if g.provider != nil {
		mux.Handle("GET /login/oidc", g.limited(g.signIns, g.provider.Begin))
		mux.Handle("GET /login/oidc/callback", g.limited(g.signIns, g.getCallback))
	}
	return mux
}

// LimitLinks slows down who tries links, in front of the handler that opens them.
func (g *Gate) LimitLinks(next http.Handler) http.Handler {
	return g.limited(g.links, next.ServeHTTP)
}

func (g *Gate) limited(l *limiter, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.allow(addressFailures(g.Address(r))) {
			tooMany(w, r)
			return
		}
		next(w, r)
	})
}

func tooMany(w http.ResponseWriter, r *http.Request) {
	const said = "请求过多，请等十秒 | too many requests: wait ten seconds"
	w.Header().Set("Retry-After", "10")
	if strings.Contains(r.Header.Get("Accept"), "text/html") { // of a form
		http.Error(w, said, http.StatusTooManyRequests)
		return
	}
	answer(w, http.StatusTooManyRequests, said)
}

// LimitSignIns slows down who tries passwords, in front of a handler that takes them.
func (g *Gate) LimitSignIns(next http.Handler) http.Handler {
	return g.limited(g.signIns, next.ServeHTTP)
}

// SignIn is the service's SignIn for who sent a request, whose browser learns the
// session: the principal is whom it recognizes.
func (g *Gate) SignIn(w http.ResponseWriter, r *http.Request, name, password, code string) (Principal, error) {
	token, _, err := g.svc.SignIn(Login{Name: name, Password: password, Code: code, Address: g.Address(r), Agent: r.UserAgent()})
	if err != nil {
		return Principal{}, err
	}
	g.begun(w, token)
	return g.svc.BySession(token)
}

// SignOut ends the session of a request, if there is one.
func (g *Gate) SignOut(w http.ResponseWriter, r *http.Request) error {
	if cookie, err := r.Cookie(sessionCookie); err == nil && From(r.Context()).Via == ViaSession {
		if err := g.svc.SignOut(From(r.Context()), cookie.Value); err != nil {
			return err
		}
	}
	setCookie(w, sessionCookie, "", http.SameSiteLaxMode, 0)
	return nil
}

// ErrNoSession is of what takes a session of one's own.
var ErrNoSession = errors.New("sign in first")

// ChangePassword sets the password of who sent a request, and signs him out.
func (g *Gate) ChangePassword(w http.ResponseWriter, r *http.Request, old, password string) error {
	if From(r.Context()).Via != ViaSession {
		return ErrNoSession
	}
	if err := g.svc.ChangePassword(From(r.Context()), old, password); err != nil {
		return err
	}
	setCookie(w, sessionCookie, "", http.SameSiteLaxMode, 0) // every session of the account has ended
	return nil
}

// ErrElsewhere is of set-up by a request from another machine.
var ErrElsewhere = errors.New("set-up is for the machine that Yunjian runs on: open the page there, or run `yunjian account setup`")

// SetUp makes the first accounts, for who sent a request from this machine and
// knows the token.
func (g *Gate) SetUp(r *http.Request, token string, first []NewAccount) error {
	if a, err := netip.ParseAddr(g.Address(r)); err != nil || !a.IsLoopback() {
		return ErrElsewhere
	}
	return g.svc.SetUpByToken(token, g.Address(r), first)
}

func (g *Gate) postLogin(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Password, Code string }
	if !read(w, r, &in) {
		return
	}
	p, err := g.SignIn(w, r, in.Name, in.Password, in.Code)
	if err != nil && !errors.Is(err, ErrSignIn) && !errors.Is(err, ErrCodeWanted) {
		answer(w, http.StatusInternalServerError, "internal error: see the log")
		return
	}
	if err != nil {
		g.refused(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"account": p.Name, "roles": p.Roles, "due": p.Due})
}

func (g *Gate) begun(w http.ResponseWriter, token string) {
	setCookie(w, sessionCookie, token, http.SameSiteLaxMode, g.svc.set.Session.Longest)
}

func (g *Gate) postLogout(w http.ResponseWriter, r *http.Request) {
	if err := g.SignOut(w, r); err != nil {
		g.refused(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gate) postPassword(w http.ResponseWriter, r *http.Request) {
	var in struct{ Old, New string }
	if !read(w, r, &in) {
		return
	}
	if err := g.ChangePassword(w, r, in.Old, in.New); err != nil {
		g.refused(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// postSetup makes the first accounts; from this machine only.
func (g *Gate) postSetup(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token    string
		Accounts []NewAccount
	}
	if !read(w, r, &in) {
		return
	}
	if err := g.SetUp(r, in.Token, in.Accounts); err != nil {
		g.refused(w, err)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// getCallback ends a sign-in at the provider. A browser is sent to the page, which
// says what came of it.
func (g *Gate) getCallback(w http.ResponseWriter, r *http.Request) {
	setCookie(w, flowCookie, "", http.SameSiteLaxMode, 0)
	token, err := g.provider.signIn(r, g.Address(r))
	if err != nil && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "../../?refused=oidc", http.StatusSeeOther)
		return
	}
	if err != nil {
		g.refused(w, err)
		return
	}
	g.begun(w, token)
	http.Redirect(w, r, "../../", http.StatusSeeOther)
}

// refused answers an error of the service.
func (g *Gate) refused(w http.ResponseWriter, err error) {
	var refusal *Refusal
	var locked *LockedError
	switch {
	case errors.As(err, &locked):
		answer(w, http.StatusTooManyRequests, locked.Error())
	case errors.Is(err, ErrCodeWanted):
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": ErrCodeWanted.Error(), "code_wanted": true})
	case errors.Is(err, ErrSignIn):
		answer(w, http.StatusUnauthorized, ErrSignIn.Error())
	case errors.Is(err, ErrNoSession):
		answer(w, http.StatusUnauthorized, err.Error())
	case errors.Is(err, ErrElsewhere):
		answer(w, http.StatusForbidden, err.Error())
	case errors.As(err, &refusal):
		answer(w, http.StatusForbidden, refusal.Error())
	default:
		answer(w, http.StatusUnprocessableEntity, err.Error())
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		answer(w, http.StatusBadRequest, "the body is not the JSON object that is wanted")
		return false
	}
	return true
}

// answer says what went wrong, as a problem of RFC 9457 with the member error besides.
func answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/problem+json")
	writeJSON(w, status, map[string]any{"error": message, "title": http.StatusText(status), "status": status, "detail": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
