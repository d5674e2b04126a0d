package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/control"
	"yunjian/internal/pipeline"
	"yunjian/internal/store"
	"yunjian/policies"
	"yunjian/price"
)

func newPolicy() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		GroupID: groupRules,
		Short:   "策略包 — policy packs",
		Example: `  yunjian policy list
  yunjian policy show cn-gov-baseline
  yunjian policy diff cn-gov-baseline ./our-rules.yaml --config yunjian.yaml   # 发布前先看后果 | the consequences, before it is issued`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyList(), newPolicyShow(), newPolicyCheck(), newPolicyDiff())
	return cmd
}

func newPolicyList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "内置策略包、版本、可信度与出处 — packs shipped, with version, confidence and source",
		Example: `  yunjian policy list`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return policies.WriteList(cmd.OutOrStdout(), policies.Builtin())
		},
	}
}

func newPolicyShow() *cobra.Command {
	var asYAML bool
	cmd := &cobra.Command{
		Use:   "show PACK",
		Short: "用文字说明一个策略包，或给出其 YAML — a pack in words with its source, or its YAML",
		Example: `  yunjian policy show cn-gov-baseline
  yunjian policy show cn-gov-baseline --yaml > our-rules.yaml   # 自定规则的起点 | where your own rules start
  yunjian policy show ./our-rules.yaml`,
		Args: oneArg("a pack's id or file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if text, ok := policies.YAML(args[0]); ok && asYAML {
				_, err := cmd.OutOrStdout().Write(text)
				return err
			}
			if asYAML {
				return usage(fmt.Errorf("--yaml: %w", noPack(args[0], nil)))
			}
			p, err := packNamed(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), p)
			return err
		},
		ValidArgsFunction: packIDs,
	}
	cmd.Flags().BoolVar(&asYAML, "yaml", false, "内置策略包的原文，供改写 | the text of a shipped pack, to be edited")
	return cmd
}

// packIDs completes the ids of shipped packs, and files.
func packIDs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	for _, p := range policies.Builtin() {
		ids = append(ids, p.ID)
	}
	return ids, cobra.ShellCompDirectiveDefault
}

func newPolicyCheck() *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE",
		Short:   "检查策略包或豁免文件，一次列出全部错误 — say everything wrong with a pack or exemption file at once",
		Example: `  yunjian policy check ./our-rules.yaml`,
		Args:    oneArg("a policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readInput(args[0], policies.MaxBytes)
			if err != nil {
				return fmt.Errorf("read policy: %w", err)
			}
			var errs []error
			var missing int
			for _, p := range policies.Check(args[0], text) {
				if !p.Incomplete {
					errs = append(errs, errors.New(p.String()))
					continue
				}
				missing++
				fmt.Fprintf(cmd.OutOrStdout(), "待填 to be entered: %s\n", p)
			}
			if len(errs) > 0 {
				return usage(errors.Join(errs...))
			}
			if missing > 0 {
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "正确 ok: %s\n", args[0])
			return nil
		},
	}
}

// packNamed returns the shipped pack with that id, or reads it as a file.
func packNamed(name string) (policies.Pack, error) {
	if p, ok := policies.ByID(name); ok {
		return p, nil
	}
	text, err := readInput(name, policies.MaxBytes)
	if err != nil {
		return policies.Pack{}, usage(errors.Join(noPack(name, nil), err))
	}
	p, err := policies.Parse(name, text)
	return p, usage(err)
}

// packFiles are packs of the user's own, by id, with their texts.
type packFiles struct {
	packs map[string]policies.Pack
	texts map[string][]byte
}

func (f packFiles) ids() []string { return slices.Sorted(maps.Keys(f.packs)) }

// ownPacks reads the configured policy files: packs and exemptions.
func ownPacks(cfg config.Config) (packFiles, []policies.Exemption, error) {
	own := packFiles{map[string]policies.Pack{}, map[string][]byte{}}
	var exemptions []policies.Exemption
	var errs []error
	for _, file := range cfg.Policies.Files {
		text, err := readInput(file, policies.MaxBytes)
		if err != nil {
			errs = append(errs, fmt.Errorf("read policy file: %w", err))
			continue
		}
		if policies.IsExemptions(text) {
			e, err := policies.ParseExemptions(file, text)
			exemptions, errs = append(exemptions, e...), append(errs, err)
			continue
		}
		p, err := policies.Parse(file, text)
		own.packs[p.ID], own.texts[p.ID], errs = p, text, append(errs, err)
	}
	return own, exemptions, errors.Join(errs...)
}

// loadPack returns the configured pack, the user's own before a shipped one of
// the same id, with the exemptions of the configured files and the calendar.
func loadPack(cfg config.Config) (policies.Pack, error) {
	own, exemptions, err := ownPacks(cfg)
	days, missing := loadCalendar(cfg)
	if err := errors.Join(err, missing); err != nil {
		return policies.Pack{}, usage(err)
	}
	p, ok := own.packs[cfg.Policies.Pack]
	if !ok {
		if p, ok = policies.ByID(cfg.Policies.Pack); !ok {
			return p, usage(noPack(cfg.Policies.Pack, own.ids()))
		}
	}
	if err := p.Usable(); err != nil {
		return p, usage(err)
	}
	p.Exemptions = append(p.Exemptions, exemptions...)
	p.Calendar = days
	return p, nil
}

// noPack says which packs there are.
func noPack(name string, own []string) error {
	ids := own
	for _, p := range policies.Builtin() {
		ids = append(ids, p.ID)
	}
	return fmt.Errorf("没有策略包 %s | no policy pack %q: %spacks: %s; your own are read from policies.files", name, name, didYouMean(name, ids), strings.Join(ids, ", "))
}

// loadBook returns the configured price book, or the example one.
func loadBook(cfg config.Config) (price.Book, error) {
	if cfg.PriceBook == "" {
		return price.Example(), nil
	}
	text, err := readInput(cfg.PriceBook, price.MaxBookBytes)
	if err != nil {
		return price.Book{}, usage(fmt.Errorf("read price book: %w", err))
	}
	b, err := price.Parse(cfg.PriceBook, text)
	return b, usage(err)
}

// booking books what inventories show by the configured prices.
func booking(data *pipeline.Data, cfg config.Config) store.Booking {
	return data.Booking(func() (price.Book, error) { return loadBook(cfg) }, cfg.Location)
}

// readInput reads a file that a person wrote and this process sees: what is larger
// than most is cut one byte beyond, which its parser refuses.
func readInput(path string, most int64) ([]byte, error) { return control.Disk{}.ReadFile(path, most) }
