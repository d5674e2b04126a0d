package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Guard says where a channel may connect to.
type Guard struct {
	Schemes []string // allowed in addresses: https, http; empty: https
	Hosts   []string // allowed in addresses, or *.DOMAIN; a name that was configured itself needs none
	// Private allows addresses of private networks and of this machine, as those
	// of government networks are. Link-local ones, and with them the metadata
	// services of clouds, are never allowed.
	Private bool
	// Loopback allows addresses of this machine and no others.
	Loopback bool
}

// url parses the address of a server and checks scheme and host. Its errors do
// not hold the address, which may be a secret.
func (g Guard) url(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("not an address such as https://HOST/PATH")
	}
	schemes := g.Schemes
	if len(schemes) == 0 {
		schemes = []string{"https"}
	}
	if !slices.Contains(schemes, u.Scheme) {
		return nil, fmt.Errorf("its scheme is %q; allowed: %s", u.Scheme, strings.Join(schemes, ", "))
	}
	if !hostAllowed(u.Hostname(), g.Hosts) {
		return nil, fmt.Errorf("its host is %q; allow_hosts has %s", u.Hostname(), strings.Join(g.Hosts, ", "))
	}
	return u, nil
}

// errInside says why an address was not dialled.
var errInside = errors.New("refused before connecting")

// allow checks one address that is about to be dialled.
func (g Guard) allow(addr netip.Addr) error {
	addr = addr.Unmap()
	switch {
	case g.Loopback && !addr.IsLoopback():
		return fmt.Errorf("%w: %s is not of this machine, and without TLS only this machine may be spoken to", errInside, addr)
	case g.Loopback:
		return nil
	case never(addr):
		return fmt.Errorf("%w: %s is a link-local, metadata, multicast or reserved address", errInside, addr)
	case private(addr) && !g.Private:
		return fmt.Errorf("%w: %s is an address of a private network or of this machine; allow_private: true allows these", errInside, addr)
	}
	return nil
}

// control is a net.Dialer's Control: it sees the address that a name has come to,
// whatever it was a moment before.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errInside, err)
	}
	return g.allow(at.Addr())
}

func (g Guard) dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: g.control}
}

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, s := range all {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// From the IANA registries of special-purpose addresses. Of NAT64 and 6to4, which
// carry an IPv4 address within, none is needed.
var (
	neverNets = prefixes("0.0.0.0/8", "100.100.100.200/32", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "2002::/16", "fec0::/10", "fd00:ec2::/32")
	privateNets = prefixes("100.64.0.0/10") // carriers', and load balancers' within clouds
)

func never(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.Zone() != "" || within(a, neverNets)
}

func private(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || within(a, privateNets)
}

func within(a netip.Addr, nets []netip.Prefix) bool {
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(a) })
}

// tlsConfig verifies a server's certificate for host against the system's
// authorities and those of the PEM text ca.
func tlsConfig(host string, ca []byte) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if len(ca) == 0 {
		return c, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("ca_file holds no certificate in PEM")
	}
	c.RootCAs = pool
	return c, nil
}

// dialTLS connects and shakes hands; the connection ends with ctx.
func (g Guard) dialTLS(ctx context.Context, network, address string, c *tls.Config) (*tls.Conn, error) {
	raw, err := g.dialer(0).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, c)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return conn, nil
}
