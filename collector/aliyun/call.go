package aliyun

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/cenkalti/backoff/v5"
)

// call is one request to be made.
type call struct {
	product product
	region  string
	scope   scope // Apsara Stack: on whose behalf
	action  string
	query   map[string]string
}

// worker is one client of the SDK with its end of the shared transport. It
// serves one call at a time.
type worker struct {
	client *sdk.Client
	tap    *tap
}

// newWorkers builds the clients one after another: the SDK's constructors are
// not safe to run at the same time.
func newWorkers(o Options, w *wire) (chan *worker, error) {
	pool := make(chan *worker, o.Workers)
	for range o.Workers {
		t := &tap{wire: w}
		config := sdk.NewConfig().WithTimeout(o.Timeout).WithAutoRetry(false).WithScheme("HTTPS")
		config.Transport = t
		var credential auth.Credential = credentials.NewAccessKeyCredential(o.AccessKeyID, o.AccessKeySecret)
		if o.SecurityToken != "" {
			credential = credentials.NewStsTokenCredential(o.AccessKeyID, o.AccessKeySecret, o.SecurityToken)
		}
		client, err := sdk.NewClientWithOptions(o.Regions[0], config, credential)
		if err != nil {
			return nil, fmt.Errorf("build client of the Alibaba SDK: %w", err)
		}
		// The transport decides about proxies. These values keep the SDK from
		// reading the environment's, where a NO_PROXY that is no regular
		// expression fails every call.
		client.SetHttpProxy("http://unused.invalid")
		client.SetHttpsProxy("http://unused.invalid")
		client.SetNoProxy("^$")
		pool <- &worker{client, t}
	}
	return pool, nil
}

// once makes c a single time. The error is nil, ctx's, or an *Error.
func (s *Source) once(ctx context.Context, c call) (answer, error) {
	var w *worker
	select {
	case w = <-s.workers:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	defer func() { s.workers <- w }()
	// Waiting happens before signing, so that the timestamp is fresh and the
	// wait does not count against the call's timeout.
	if err := s.limiter.Wait(ctx); err != nil {
		return answer{}, cmpErr(ctx.Err(), err)
	}
	begin := time.Now()
	got, err := w.do(ctx, c, s.endpoints[endpointKey{c.product.key, c.region}], s.options.Apsara)
	if err == nil {
		err = got.problem()
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if err != nil {
		err = s.redact.apply(c.action, got, err)
	}
	s.stats.count(c.action, outcome(err), time.Since(begin))
	return got, err
}

// do hands one request to the SDK. A panic of the SDK is an error of the call.
func (w *worker) do(ctx context.Context, c call, e endpoint, apsara *Apsara) (got answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the Alibaba SDK panicked: %v", p)
		}
	}()
	req := requests.NewCommonRequest()
	req.Method, req.Scheme, req.Domain = "POST", e.scheme, e.domain
	req.Product, req.Version, req.ApiName = c.product.code, c.product.version, c.action
	req.RegionId = c.region
	for k, v := range c.query {
		req.QueryParams[k] = v
	}
	if apsara != nil {
		apsara.decorate(req, c)
	}
	w.tap.ctx, w.tap.got, w.tap.err = ctx, answer{}, nil
	_, err = w.client.ProcessCommonRequest(req)
	got = w.tap.got
	w.tap.ctx, w.tap.got = nil, answer{}
	if w.tap.err != nil {
		return got, w.tap.err // the SDK's own error would carry the URL and with it the access key
	}
	if err == nil && got.status == 0 {
		err = errors.New("the Alibaba SDK sent nothing")
	}
	return got, err
}

// clockTries is how often a call is made when the server finds its timestamp
// too far off.
const clockTries = 4

// dialTries is how often a call is made to a server that cannot even be
// reached: a wrong address or a closed port is told within seconds, and a
// network that is down for longer is the next run's business.
const dialTries = 4

// unreachable reports whether no connection came about at all.
func unreachable(err error) bool {
	var dial *net.OpError
	var name *net.DNSError
	return errors.As(err, &name) || errors.As(err, &dial) && dial.Op == "dial"
}

// try makes c until it succeeds, fails for good, or patience ends. accept may
// refuse an answer that arrived well; its error is retried like a malformed
// answer.
func (s *Source) try(ctx context.Context, run *tally, c call, accept func(answer) error) error {
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval = s.options.Retry.Initial, s.options.Retry.Max
	policy.Multiplier, policy.RandomizationFactor = 2, 0.5
	first, clocks, dials := true, 0, 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := run.allow(c.action, first); err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		first = false
		got, err := s.once(ctx, c)
		if err == nil {
			if err = accept(got); err == nil {
				return struct{}{}, nil
			}
			err = s.redact.apply(c.action, got, &malformedError{err})
		}
		var e *Error
		if errors.As(err, &e) && e.Class == ClassClock {
			clocks++ // a clock does not come right by waiting; a gateway's answer may
		}
		if unreachable(err) {
			dials++
		}
		if e != nil && e.Class.retryable() && clocks < clockTries && dials < dialTries {
			return struct{}{}, err
		}
		return struct{}{}, backoff.Permanent(err)
	}, backoff.WithBackOff(policy), backoff.WithMaxTries(uint(s.options.Retry.Attempts)), backoff.WithMaxElapsedTime(0))
	return err
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// decorate adds what Apsara Stack wants of every call. Headers are not signed,
// parameters are.
func (a *Apsara) decorate(req *requests.CommonRequest, c call) {
	req.Headers["x-acs-regionid"] = c.region
	req.Headers["x-acs-request-version"] = "v1"
	req.Headers["x-acs-asapi-product"] = c.product.code
	req.Headers["x-ascm-product-name"] = c.product.code
	if id := c.scope.organization; id != "" {
		req.Headers["x-acs-organizationid"] = id
		req.QueryParams["Department"], req.QueryParams["OrganizationId"] = id, id
	}
	if id := c.scope.group; id != "" {
		req.Headers["x-acs-resourcegroupid"] = id
		req.QueryParams["ResourceGroup"] = id
	}
	for k, v := range a.Headers {
		req.Headers[strings.ToLower(k)] = v
	}
	for k, v := range a.Query {
		req.QueryParams[k] = v
	}
}
