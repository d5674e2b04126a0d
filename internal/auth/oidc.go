package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Provider signs people in through an OpenID Connect provider: authorization code
// with PKCE, state and nonce.
type Provider struct {
	svc    *Service
	secret string
	client *http.Client

	mu    sync.Mutex
	known *discovered // nil: it has not answered yet
}

// discovered is what the provider says of itself, and what follows.
type discovered struct {
	provider *oidc.Provider
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// NewProvider returns the configured issuer, which is asked when somebody first
// signs in: it may start after Yunjian does. secret is the client's, empty for a
// public client; a nil client is http.DefaultClient.
func NewProvider(svc *Service, secret string, client *http.Client) *Provider {
	if client == nil {
		client = http.DefaultClient
	}
	return &Provider{svc: svc, secret: secret, client: client}
}

// discoveryTime is how long a provider may take to say what it is.
const discoveryTime = 10 * time.Second

// Discover reads what the issuer says of itself, until it has answered once.
func (p *Provider) Discover(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	r := p.svc.set.OIDC
	ctx, cancel := context.WithTimeout(ctx, discoveryTime)
	defer cancel()
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), r.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask OIDC provider %s: %w", r.Issuer, err)
	}
	p.known = &discovered{
		provider: found,
		oauth:    oauth2.Config{ClientID: r.ClientID, ClientSecret: p.secret, Endpoint: found.Endpoint(), RedirectURL: r.RedirectURL, Scopes: append([]string{oidc.ScopeOpenID}, r.Scopes...)},
		verifier: found.VerifierContext(oidc.ClientContext(context.Background(), p.client), &oidc.Config{ClientID: r.ClientID}), // its keys are read again later
	}
	return p.known, nil
}

// flowCookie keeps what a sign-in under way must find again. It binds the answer
// to the browser that asked, which is whom all three are to be known to.
const flowCookie = "__Host-yunjian-oidc"

// flowTime is how long somebody may take at the provider.
const flowTime = 10 * time.Minute

// Begin sends the browser to the provider.
func (p *Provider) Begin(w http.ResponseWriter, r *http.Request) {
	known, err := p.discover(r.Context())
	if err != nil {
		_ = p.svc.tell(Event{Who: "oidc", Via: ViaSession, What: "session.begin", Detail: err.Error()}, err) // the answer is the same
		answer(w, http.StatusServiceUnavailable, "身份源没有应答，请稍后再试 | the provider does not answer: try again later")
		return
	}
	state, nonce, verifier := newOpaque(), newOpaque(), oauth2.GenerateVerifier()
	setCookie(w, flowCookie, state+"."+nonce+"."+verifier, http.SameSiteLaxMode, flowTime)
	http.Redirect(w, r, known.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
}

// finish checks the provider's answer and returns whom it vouches for.
func (p *Provider) finish(r *http.Request) (vouched, error) {
	cookie, err := r.Cookie(flowCookie)
	if err != nil {
		return vouched{}, fmt.Errorf("no sign-in is under way in this browser")
	}
	flow := strings.Split(cookie.Value, ".")
	q := r.URL.Query()
	if len(flow) != 3 || flow[0] == "" || !same(flow[0], q.Get("state")) {
		return vouched{}, fmt.Errorf("the answer is not to this browser's question")
	}
	if q.Get("code") == "" {
		return vouched{}, fmt.Errorf("the provider refused: %s", clip(q.Get("error")))
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), p.client), 30*time.Second)
	defer cancel()
	known, err := p.discover(ctx)
	if err != nil {
		return vouched{}, err
	}
	token, err := known.oauth.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(flow[2]))
	if err != nil {
		return vouched{}, fmt.Errorf("exchange the code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := known.verifier.Verify(ctx, raw)
	if err != nil {
		return vouched{}, fmt.Errorf("verify the ID token: %w", err)
	}
	if !same(id.Nonce, flow[1]) {
		return vouched{}, fmt.Errorf("the ID token answers another question")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return vouched{}, fmt.Errorf("read claims: %w", err)
	}
	rules := p.svc.set.OIDC
	if err := p.complete(ctx, known, token, id.Subject, claims); err != nil {
		return vouched{}, err
	}
	account, _ := claims[rules.AccountClaim].(string)
	title, _ := claims["name"].(string)
	v := vouched{issuer: id.Issuer, subject: id.Subject, account: account, title: clip(title)}
	if rules.RolesClaim != "" {
		v.roles = texts(claims[rules.RolesClaim])
	}
	if rules.DepartmentsClaim != "" {
		v.departments = texts(claims[rules.DepartmentsClaim])
	}
	return v, nil
}

// complete adds to the claims of an ID token those that its provider gives at its
// UserInfo endpoint alone, as OpenID Connect Core 5.4 has it where there is an access
// token. What the ID token says counts: it is signed.
func (p *Provider) complete(ctx context.Context, known *discovered, token *oauth2.Token, subject string, claims map[string]any) error {
	rules := p.svc.set.OIDC
	missing := func(name string) bool { return name != "" && claims[name] == nil }
	if known.provider.UserInfoEndpoint() == "" || !missing(rules.AccountClaim) && !missing(rules.RolesClaim) && !missing(rules.DepartmentsClaim) {
		return nil
	}
	info, err := known.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("ask for the claims that the ID token lacks: %w", err)
	}
	if info.Subject != subject {
		return fmt.Errorf("the claims are another subject's")
	}
	var more map[string]any
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	for name, value := range more {
		if claims[name] == nil {
			claims[name] = value
		}
	}
	return nil
}

// texts reads a claim that is a text or a list of them; it is never nil.
func texts(claim any) []string {
	out := []string{}
	switch c := claim.(type) {
	case string:
		out = append(out, c)
	case []any:
		for _, x := range c {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// signIn ends the flow with a session's token. The error is ErrSignIn, whatever
// went wrong; the event tells.
func (p *Provider) signIn(r *http.Request, address string) (token string, err error) {
	v, err := p.finish(r)
	if err != nil {
		return "", p.svc.tell(Event{Who: "oidc", Via: ViaSession, Address: address, What: "session.begin", Detail: err.Error()}, ErrSignIn)
	}
	return p.svc.signInVouched(v, p.svc.set.OIDC.Create, address, r.UserAgent())
}
