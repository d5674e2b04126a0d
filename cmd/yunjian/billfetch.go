package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/collector"
	"yunjian/collector/aliyun"
	"yunjian/internal/config"
	"yunjian/internal/pipeline"
	"yunjian/ledger"
)

// billed are the clouds whose bills the configuration has read.
func billed(cfg config.Config) []config.Cloud {
	return slices.DeleteFunc(slices.Clone(cfg.Clouds), func(c config.Cloud) bool { return !c.Bills })
}

func newBillFetch() *cobra.Command {
	var path, month string
	var now time.Time
	cmd := &cobra.Command{
		Use:   "fetch --config FILE [--month 2024-03] [--now TIME]",
		Short: "读取云上的账单，与台账核对 — read the cloud's bills and hold the ledger against them",
		Long: `为配置了 bills: true 的云读取按月、按资源的账单（DescribeInstanceBill），与台账核对，核对办法与 bill import 相同。
默认只读台账用得到而又没有完整读过的月份：每笔节约变化前最后一个整月与变化后第一个整月，云上最多保留 18 个月。
金额取优惠后、代金券抵扣前的应付金额。月底过后三天内账单可能还缺最后一天：默认不读；用 --month 读的也不作“完整”。
读到一半中断的月份什么都不存，再运行一次即可。调用次数计入该云的用量。

Reads what resources were billed for by month (DescribeInstanceBill), of every cloud with
bills: true, and holds the ledger against it as bill import does. Without --month: the months
that the ledger has use for and that were not read whole yet, which are, of each saving, the
last whole one before and the first whole one after; the cloud keeps 18. The amount is what
was payable after discounts, before vouchers. For three days after its end a month's bill may
lack the last day: it is not read, and by --month not taken for whole. Of a month that was not
read to its end nothing is stored: run it again. Calls are counted with the cloud's others.`,
		Example: `  yunjian bill fetch --config yunjian.yaml
  yunjian bill fetch --config yunjian.yaml --month 2024-03`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := orClock(now)
			if err := checkMonth(month, now); err != nil {
				return err
			}
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			if len(billed(cfg)) == 0 {
				return usage(errors.New("配置中没有 bills: true 的云 | no cloud of the configuration has `bills: true`; a bill in a file is read by `yunjian bill import`"))
			}
			progress := newBar(cmd.ErrOrStderr(), "账单 bill")
			defer progress.finish()
			read, verified, corrected := 0, 0, 0
			err = fetchBills(cmd.Context(), data, cfg, month, now.In(cfg.Location), progress, func(f pipeline.FetchedBill) {
				progress.clear()
				fmt.Fprintln(cmd.OutOrStdout(), fetchedLine(f))
				v, c := proven(f.Booked)
				read, verified, corrected = read+1, verified+v, corrected+c
			})
			progress.clear()
			switch {
			case read > 0:
				fmt.Fprintf(cmd.OutOrStdout(), "台账 ledger  凭账单核实 verified %d，更正 corrected %d\n", verified, corrected)
			case err == nil:
				fmt.Fprintln(cmd.OutOrStdout(), noBillDue)
			}
			return interrupted(cmd, err, "已读完的月份都已存下；再运行一次，接着读其余的", "the months that were read to the end are stored; run it again for the others")
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().StringVar(&month, "month", "", "只读这个月，如 2024-03；默认台账用得到的月份 | this month only; default: those that the ledger has use for")
	return cmd
}

// noBillDue answers where there is nothing to read.
const noBillDue = "没有要读的账单：台账用得到的月份都已完整读过，或还没有过完三天 | no bill is due: the months that the ledger has use for were read whole, or have not been over for three days"

// checkMonth refuses a month that has no bill to be read; empty: none was named.
func checkMonth(month string, now time.Time) error {
	end, ok := collector.BillEnd(month)
	switch {
	case month == "":
		return nil
	case !ok:
		return usage(fmt.Errorf("--month %q: want a month such as 2024-03", month))
	case now.Before(end):
		return usage(fmt.Errorf("--month %s: 这个月还没有过完 | the month is not over: half a bill proves nothing", month))
	case !collector.BillKept(month, now):
		return usage(fmt.Errorf("--month %s: 云上只保留 %d 个月的账单 | the cloud keeps the bills of %d months; import an older one from a file", month, collector.BillMonths, collector.BillMonths))
	}
	return nil
}

// fetchBills reads the bills that are due, or of the month that is named, of every cloud
// that has them read. After an error that the next month would meet as well it goes on
// with the next cloud.
func fetchBills(ctx context.Context, data *pipeline.Data, cfg config.Config, month string, now time.Time, progress *bar, done func(pipeline.FetchedBill)) error {
	var errs []error
	for _, c := range billed(cfg) {
		if err := ctx.Err(); err != nil {
			errs = append(errs, err)
			break
		}
		months := []string{month}
		if month == "" {
			var err error
			if months, err = data.DueBills(c.Name, now); err != nil {
				return err
			}
		}
		if len(months) == 0 {
			continue
		}
		src, err := newAliyun(data, cfg, c, now, 0)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, m := range months {
			progress.step(c.Name + " " + m)
			f, err := data.FetchBill(ctx, c.Name, src.Bill, collector.BillRequest{Month: m, Now: now, Progress: progress.set})
			if err != nil {
				errs = append(errs, err)
				if ctx.Err() != nil || !ofOneMonth(err) {
					break
				}
				continue
			}
			done(f)
		}
		closeSource(src)
	}
	return errors.Join(errs...)
}

// ofOneMonth reports whether an error lies with the month that was asked for.
func ofOneMonth(err error) bool {
	var e *aliyun.Error
	return !errors.As(err, &e) || e.Class == aliyun.ClassMalformed || e.Class == aliyun.ClassInvalid || e.Class == aliyun.ClassNotFound
}

// proven counts what bills verified and what they corrected.
func proven(booked []ledger.Entry) (verified, corrected int) {
	for _, e := range booked {
		if e.Effect == ledger.Corrected {
			corrected++
		}
	}
	return len(booked) - corrected, corrected
}

// fetchedLine says what came of one month.
func fetchedLine(f pipeline.FetchedBill) string {
	calls := 0
	for _, n := range f.Billed.Calls {
		calls += n
	}
	state := "完整 whole"
	switch {
	case len(f.Billed.Bill.Amounts) == 0:
		state = "没有资源的账单，不作依据 no resource in it: it proves nothing"
	case !f.Billed.Bill.WholeFor(f.Cloud):
		state = "月底过后不足三天，可能缺最后一天，不作“完整” over for less than three days, so the last day may be missing: not whole"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  资源 resources %d  行 lines %d", f.Cloud, f.Month, len(f.Billed.Bill.Amounts), f.Billed.Lines)
	if f.Billed.Apart > 0 {
		fmt.Fprintf(&b, "（不属资源 of no resource %d）", f.Billed.Apart)
	}
	fmt.Fprintf(&b, "  调用 calls %d  %s", calls, state)
	return b.String()
}

// bills is the daemon's job: what is due is asked for, and where nothing is, nobody.
func (d *daemon) bills(ctx context.Context) (string, error) {
	cfg := d.config()
	var said []string
	verified, corrected := 0, 0
	err := fetchBills(ctx, d.data, cfg, "", d.now().In(cfg.Location), &bar{}, func(f pipeline.FetchedBill) {
		d.metrics.Called(f.Cloud, f.Billed.Calls)
		said = append(said, fetchedLine(f))
		v, c := proven(f.Booked)
		verified, corrected = verified+v, corrected+c
	})
	if len(said) == 0 && err == nil {
		return noBillDue, nil
	}
	if len(said) > 0 {
		said = append(said, fmt.Sprintf("凭账单核实 verified %d，更正 corrected %d", verified, corrected))
	}
	return strings.Join(said, "; "), err
}
