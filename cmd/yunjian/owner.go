package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/registry"
	"yunjian/internal/report"
	"yunjian/ownership"
)

func newOwner() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "owner",
		GroupID: groupWork,
		Short:   "资源归属：单位、应用、联系人 — who owns what: departments, applications, contacts",
		Example: `  yunjian owner import departments.csv applications.xlsx --config yunjian.yaml
  yunjian owner queue --config yunjian.yaml
  yunjian owner assign i-bp1example --department 示例市财政局 --application 预算编制 --config yunjian.yaml`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newOwnerImport(), newOwnerList(), newOwnerQueue(), newOwnerAssign())
	return cmd
}

func newOwnerImport() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "import FILE... --config FILE",
		Short: "导入单位表与应用表（CSV、XLSX） — import tables of departments and applications",
		Long: `读入单位表与应用表，取代以前导入的。是哪种表由表头决定：有“应用”列的是应用表。
一个 XLSX 可以有几张工作表。应用编码（省一本账、IRS）是与云上标签对应的主键：资源标签
irs_app_code 或应用标签里写编码、名称或别名都能对上。导入后立即重新对应已存的清单。

  单位表：单位*、别名、主管部门、联系人、电话、邮箱、单位负责人
  应用表：应用*、单位*、应用编码、别名、负责人、电话、邮箱、资源类别、等保级别

Reads tables of departments and applications in place of those imported before. The header
says which a table is: one with a column application is of applications. The application's
code is the key by which the tags of a cloud are joined: a tag irs_app_code, or an application
tag that holds the code, the name or an alias. What is stored is joined anew at once.

  departments: department*, aliases, parent, contact, phone, email, signer
  applications: application*, department*, code, aliases, contact, phone, email, class, protection`,
		Example: `  yunjian owner import departments.csv applications.csv --config yunjian.yaml
  yunjian owner import 单位与应用.xlsx --config yunjian.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("want at least one table of departments or applications, CSV or XLSX"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			d, notes, err := registry.Read(tablesOf(cmd.Context()), args)
			if err != nil {
				return fmt.Errorf("nothing was imported: %w", err)
			}
			if len(d.Departments) == 0 {
				return errors.New("nothing was imported: the tables hold no department; want one table with a column 单位 (department)")
			}
			changes, err := data.State.PutDirectory(d, time.Now(), journal.New(cmd.Context(), time.Now(), journal.OwnersImported, journal.Object{Type: "owners"}))
			if err != nil {
				return err
			}
			for _, n := range notes {
				fmt.Fprintf(cmd.OutOrStdout(), "注意 note: %s\n", n)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "单位 departments %d，应用 applications %d\n%s\n", len(d.Departments), len(d.Applications), report.OwnersChanged(changes))
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// ownerView adds the flags of a command that shows owners, and runs it.
func ownerView(cmd *cobra.Command, show func(data *pipeline.Data, fleet []cloud.Resource, json bool, l report.Lang) error) *cobra.Command {
	var path, format, lang string
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	cmd.Args = noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := checkOutput(format, lang)
		if err != nil {
			return err
		}
		cfg, err := loadConfig(cmd, path)
		if err != nil {
			return err
		}
		data, err := openPresent(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer data.Close()
		inventories, err := data.State.Inventories()
		if err != nil {
			return err
		}
		var fleet []cloud.Resource
		for _, inv := range inventories {
			fleet = append(fleet, inv.Resources...)
		}
		return show(data, fleet, format == "json", langOr(l, cfg))
	}
	return cmd
}

func newOwnerList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list --config FILE [--format text|json] [--lang zh|en]",
		Short:   "单位与应用，各有多少资源 — departments and applications, and how much is theirs",
		Example: "  yunjian owner list --config yunjian.yaml",
	}
	return ownerView(cmd, func(data *pipeline.Data, fleet []cloud.Resource, json bool, l report.Lang) error {
		d, err := data.State.Directory()
		if err != nil {
			return err
		}
		if json {
			return writeJSON(cmd.OutOrStdout(), report.MaskOwners(d))
		}
		return report.WriteOwners(cmd.OutOrStdout(), d, fleet, l)
	})
}

func newOwnerQueue() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "queue --config FILE [--format text|json] [--lang zh|en]",
		Short:   "没有归属的资源，及可能是谁的 — resources without an owner, and whose they may be",
		Example: "  yunjian owner queue --config yunjian.yaml",
	}
	return ownerView(cmd, func(_ *pipeline.Data, fleet []cloud.Resource, json bool, l report.Lang) error {
		queue := ownership.Queue(fleet)
		if json {
			return writeJSON(cmd.OutOrStdout(), append([]ownership.Orphan{}, queue...))
		}
		return report.WriteOwnerQueue(cmd.OutOrStdout(), queue, l)
	})
}

func newOwnerAssign() *cobra.Command {
	var path, department, application string
	var forget bool
	cmd := &cobra.Command{
		Use:   "assign RESOURCE (--department NAME [--application NAME] | --forget) --config FILE",
		Short: "指定一个资源的归属 — assign a resource to its owner",
		Long: `指定一个资源属于哪个单位、哪个应用；优先于标签与目录，--forget 取消，下次采集时恢复。
单位须在已导入的目录里。

Assigns a resource to a department and an application, before what tags and the directory
say; --forget undoes it as of the next collection. The department must be in the directory.`,
		Example: `  yunjian owner assign i-bp1example --department 示例市财政局 --config yunjian.yaml
  yunjian owner assign i-bp1example --forget --config yunjian.yaml`,
		Args: oneArg("the id or name of a resource"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (department == "") == !forget {
				return usage(errors.New("want either --department, and perhaps --application, or --forget"))
			}
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			r, err := data.Find(cfg.CloudNames(), args[0])
			if err != nil {
				return err
			}
			if !forget {
				d, err := data.State.Directory()
				if err != nil {
					return err
				}
				known, ok := d.Department(department)
				if !ok {
					return usage(fmt.Errorf("--department %q is not in the directory of %d departments: see `yunjian owner list`", department, len(d.Departments)))
				}
				department = known.Name
			}
			changes, err := data.State.Assign(ownership.Assignment{ResourceID: r.ID, Department: department, Application: application}, time.Now(),
				journal.New(cmd.Context(), time.Now(), journal.OwnerAssigned, journal.Object{Type: "resource", ID: r.ID}))
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), report.OwnersChanged(changes))
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&department, "department", "", "单位 | department")
	cmd.Flags().StringVar(&application, "application", "", "应用 | application")
	cmd.Flags().BoolVar(&forget, "forget", false, "取消指定 | forget what was assigned")
	return cmd
}
