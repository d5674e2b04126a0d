package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/journal"
	"yunjian/internal/registry"
	"yunjian/ledger"
	"yunjian/price"
)

func newBill() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bill",
		GroupID: groupWork,
		Short:   "账单：更正与核实台账 — bills, which correct and verify the ledger",
		Example: `  yunjian bill fetch --config yunjian.yaml
  yunjian bill import 2024-04.csv --config yunjian.yaml
  yunjian bill list --config yunjian.yaml`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBillFetch(), newBillImport(), newBillList())
	return cmd
}

func newBillImport() *cobra.Command {
	var path, currency string
	var whole bool
	var now time.Time
	cmd := &cobra.Command{
		Use:   "import FILE --config FILE [--whole] [--currency CNY] [--now TIME]",
		Short: "导入账单（CSV、XLSX），与台账核对 — import a bill and hold the ledger against it",
		Long: `读入按月、按资源的账单。台账里的一笔节约，用变化前最后一个整月与变化后第一个整月的账单核对：
少付的金额 × 12 与入账相差不到 10% 的，凭账单核实；相差更多的，按账单更正（另记一笔）。
同两个账期之间的几次变化合在一起核对；随云主机释放、账单里没有单列的云盘算在主机账上。
包年包月的资源不核对。同一个月可以分几次导入，同一资源以最后一次为准。
已释放的资源在账单里找不到，只有用 --whole 声明该月账单完整时才算“不再付费”。

  列：账期* (2024-03)、资源ID*、金额*、币种、账单号

Reads what resources were billed for by month. A saving is held against the last whole month
before and the first whole month after: what was billed less, times twelve, verifies it where it
differs by less than 10 %, else corrects it, by an entry of its own. Changes between the same
two months are held against them together, with the disks that the bill has under their machine.
Prepaid resources are passed over. A month may be imported in parts; of one resource the last
counts. That what is gone is not in the bill proves something only where --whole says that the
month was billed for nothing else.

  columns: month* (2024-03), resource_id*, amount*, currency, bill`,
		Example: `  yunjian bill import 2024-01.csv --config yunjian.yaml
  yunjian bill import 2024-04.csv --whole --config yunjian.yaml`,
		Args: oneArg("a bill, CSV or XLSX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			bills, notes, err := registry.ReadBills(tablesOf(cmd.Context()), args[0], currency)
			if err != nil {
				return fmt.Errorf("nothing was imported: %w", err)
			}
			if len(bills) == 0 {
				return errors.New("nothing was imported: the bill has no line")
			}
			for i := range bills {
				bills[i].Whole = whole
			}
			booked, err := data.State.PutBills(bills, orClock(now).In(cfg.Location), journal.New(cmd.Context(), time.Now(), journal.BillsImported, journal.Object{Type: "bills", ID: filepath.Base(args[0])}))
			if err != nil {
				return err
			}
			for _, n := range notes {
				fmt.Fprintf(cmd.OutOrStdout(), "注意 note: %s\n", n)
			}
			for _, b := range bills {
				fmt.Fprintf(cmd.OutOrStdout(), "%s  资源 resources %d  合计 total %s %s\n", b.Month, len(b.Amounts), totalOf(b), b.Currency)
			}
			verified, corrected := proven(booked)
			fmt.Fprintf(cmd.OutOrStdout(), "台账 ledger  凭账单核实 verified %d，更正 corrected %d\n", verified, corrected)
			return nil
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().BoolVar(&whole, "whole", false, "文件中各月账单完整：没有列出的就是没有付费 | the months of the file are whole: what is not listed was not billed")
	cmd.Flags().StringVar(&currency, "currency", "CNY", "没有币种列时的币种 | currency of a bill that names none")
	return cmd
}

func newBillList() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "list --config FILE",
		Short:   "已有的账单 — the bills that were imported or fetched",
		Example: "  yunjian bill list --config yunjian.yaml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			data, err := openPresent(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer data.Close()
			bills, err := data.State.Bills()
			if err != nil {
				return err
			}
			if len(bills) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "还没有账单 there is no bill yet: yunjian bill import FILE, or yunjian bill fetch")
			}
			for _, b := range bills {
				whole := ""
				if b.Whole {
					whole = "  完整 whole"
				} else if len(b.WholeOf) > 0 {
					whole = "  完整 whole: " + strings.Join(b.WholeOf, ", ")
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  资源 resources %d  合计 total %s %s  %s%s\n", b.Month, len(b.Amounts), totalOf(b), b.Currency, b.Source, whole)
			}
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// totalOf is the sum of a bill, by which people see that it was read as it is on paper.
func totalOf(b ledger.Bill) string {
	sum := price.Zero(b.Currency)
	for _, a := range b.Amounts {
		next, err := sum.Add(a)
		if err != nil { // of another currency, which no bill that was read has
			return "—"
		}
		sum = next
	}
	return sum.String()
}
