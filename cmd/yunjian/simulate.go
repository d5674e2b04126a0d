package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/cloud"
	"yunjian/internal/estate"
	"yunjian/internal/simcloud"
)

// Credentials that the simulated cloud accepts unless the environment names
// others; they open nothing but the simulation.
const (
	demoKey    = "demo-key"
	demoSecret = "demo-secret"
)

func newSimulate() *cobra.Command {
	var dir, listen, faults string
	var now time.Time
	var seed uint64
	var apsara bool
	var release map[string]string
	var size estate.Options
	cmd := &cobra.Command{
		Use:     "simulate [--bundle DIR | --instances N --days N] [--listen ADDR] [--now TIME] [--faults SHARE] [--seed N] [--apsara] [--release ID=TIME]",
		GroupID: groupTry,
		Short:   "模拟云：用文件或生成的数据应答阿里云 API — a server that speaks the Alibaba Cloud API",
		Long: `在本机提供一朵“云”：校验签名、时间戳与随机数，分页、限流、保留期与真实接口一致，
可按比例注入故障。数据来自 --bundle 文件夹；不给则生成示例资源。账单按内置示例价目的八折出具，并有代金券抵扣。
--release 让资源从某一时刻起消失，以便演练释放、入账与凭账单核实。

Serves a cloud on this machine: signatures, timestamps and nonces are checked,
paging, throttling and retention behave as the real API's, faults can be switched
on. It serves a bundle, or else a generated example estate. Its bills are those of the
built-in example prices less a fifth, partly paid by vouchers. --release has a resource
gone from an instant on, to rehearse a release, its booking and its bill.

密钥 | Credentials: YUNJIAN_SIM_KEY, YUNJIAN_SIM_SECRET（默认 default ` + demoKey + `, ` + demoSecret + `）`,
		Example: `  yunjian simulate --bundle ./exports/2026-11 --listen 127.0.0.1:9000
  yunjian simulate --instances 1000 --listen 127.0.0.1:9000 --faults 0.03
  yunjian simulate --listen 127.0.0.1:9000 --faults throttle=0.1,reset=0.02`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := simcloud.ParseFaults(faults)
			if err != nil {
				return usage(fmt.Errorf("--faults: %w", err))
			}
			world, err := openWorld(dir, size, seed)
			if err != nil {
				return err
			}
			gone, err := releases(release, world)
			if err != nil {
				return err
			}
			world = simcloud.Releasing(world, gone)
			if now.IsZero() {
				now = world.End()
			}
			var stack *simcloud.Apsara
			if apsara {
				stack = &simcloud.Apsara{RequireHeaders: true}
			}
			sim := simcloud.New(world, simcloud.Options{
				Credentials: map[string]string{envOr("YUNJIAN_SIM_KEY", demoKey): envOr("YUNJIAN_SIM_SECRET", demoSecret)},
				Now:         now, Faults: f, Seed: seed, Apsara: stack,
			})
			listener, err := net.Listen("tcp", listen)
			if err != nil {
				return usage(fmt.Errorf("--listen: %w", err))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "模拟云就绪 simulated cloud ready: http://%s，数据截至 samples until %s\n", listener.Addr(), now.UTC().Format(time.RFC3339))
			return serveUntil(cmd.Context(), listener, sim)
		},
	}
	cmd.Flags().StringVar(&dir, "bundle", "", "文件夹；不给则生成示例 | a bundle; default: a generated estate")
	_ = cmd.MarkFlagDirname("bundle")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9000", "监听地址，主机:端口 | address to listen on, host:port")
	cmd.Flags().Var(timeValue{&now}, "now", "样本的终点（RFC 3339），默认最后一个样本 | where samples end (RFC 3339); default: the last sample")
	cmd.Flags().StringVar(&faults, "faults", "", "出故障的调用比例 0–1，或 名称=比例,…；默认没有 | share of calls that fail, 0–1, or name=share,…; default: none. 名称 names: "+strings.Join(simcloud.FaultNames(), ", "))
	cmd.Flags().BoolVar(&apsara, "apsara", false, "模拟专有云：组织与资源集、必需的请求头 | behave as Apsara Stack: organizations, resource sets, required headers")
	cmd.Flags().StringToStringVar(&release, "release", nil, "资源=时刻（RFC 3339），从该时刻起消失，可写几个 | resource=time (RFC 3339) from which on it is gone; may be given several times")
	estateFlags(cmd, &size, &seed, 30)
	return cmd
}

// releases reads --release: what is gone from when on.
func releases(flag map[string]string, w simcloud.World) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	for _, id := range slices.Sorted(maps.Keys(flag)) {
		var at time.Time
		if err := (timeValue{&at}).Set(flag[id]); err != nil {
			return nil, usage(fmt.Errorf("--release %s=%s: %w", id, flag[id], err))
		}
		if !slices.ContainsFunc(w.Inventory(at.Add(-time.Second)).Resources, func(r cloud.Resource) bool { return r.ID == id }) {
			return nil, usage(fmt.Errorf("--release %s=%s: 那时没有这个资源 | there is no such resource at that time", id, flag[id]))
		}
		out[id] = at
	}
	return out, nil
}

// estateFlags adds the flags that describe a generated estate.
func estateFlags(cmd *cobra.Command, o *estate.Options, seed *uint64, days int) {
	cmd.Flags().IntVar(&o.Instances, "instances", 200, "示例云主机台数，10–100000 | instances of the example estate, 10–100000")
	cmd.Flags().IntVar(&o.Days, "days", days, "历史天数，1–800 | days of history, 1–800")
	cmd.Flags().Uint64Var(seed, "seed", 1, "随机种子，同种子同数据 | seed; equal seeds give equal data")
}

// openWorld reads a bundle, or generates an estate that ends at the last full
// five minutes.
func openWorld(dir string, o estate.Options, seed uint64) (simcloud.World, error) {
	if dir != "" {
		b, err := openBundle(dir)
		if err != nil {
			return nil, err
		}
		return simcloud.FromBundle(b), nil
	}
	if err := checkEstate(o); err != nil {
		return nil, err
	}
	o.Seed = seed
	if o.End.IsZero() {
		o.End = time.Now().Truncate(5 * time.Minute)
	}
	return estate.New(o), nil
}

// serveUntil answers requests until ctx ends.
func serveUntil(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// checkEstate refuses an estate that cannot be generated.
func checkEstate(o estate.Options) error {
	if o.Instances < 10 || o.Instances > 100_000 {
		return usage(fmt.Errorf("--instances %d: want 10 to 100000", o.Instances))
	}
	if o.Days < 1 || o.Days > 800 {
		return usage(fmt.Errorf("--days %d: want 1 to 800", o.Days))
	}
	return nil
}
