package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/policies"
	"yunjian/price"
)

func newPolicy() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		GroupID: groupRules,
		Short:   "策略包 — policy packs",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyList(), newPolicyShow(), newPolicyCheck())
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
	return &cobra.Command{
		Use:   "show PACK",
		Short: "用文字说明一个策略包 — a pack in words, with its source",
		Example: `  yunjian policy show cn-gov-baseline
  yunjian policy show ./our-rules.yaml`,
		Args: oneArg("a pack's id or file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := packNamed(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), p)
			return err
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, p := range policies.Builtin() {
				ids = append(ids, p.ID)
			}
			return ids, cobra.ShellCompDirectiveDefault
		},
	}
}

func newPolicyCheck() *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE",
		Short:   "检查策略包或豁免文件，一次列出全部错误 — say everything wrong with a pack or exemption file at once",
		Example: `  yunjian policy check ./our-rules.yaml`,
		Args:    oneArg("a policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
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
	text, err := os.ReadFile(name)
	if err != nil {
		var ids []string
		for _, p := range policies.Builtin() {
			ids = append(ids, p.ID)
		}
		return policies.Pack{}, usage(fmt.Errorf("no policy pack or file %q; packs: %v", name, ids))
	}
	p, err := policies.Parse(name, text)
	return p, usage(err)
}

// loadPack returns the configured pack with the exemptions of the configured
// files.
func loadPack(cfg config.Config) (policies.Pack, error) {
	p, err := packNamed(cfg.Policies.Pack)
	if err != nil {
		return p, err
	}
	if err := p.Usable(); err != nil {
		return p, usage(err)
	}
	for _, file := range cfg.Policies.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			return p, usage(fmt.Errorf("read policy file: %w", err))
		}
		exemptions, err := policies.ParseExemptions(file, text)
		if err != nil {
			return p, usage(err)
		}
		p.Exemptions = append(p.Exemptions, exemptions...)
	}
	return p, nil
}

// loadBook returns the configured price book, or the example one.
func loadBook(cfg config.Config) (price.Book, error) {
	if cfg.PriceBook == "" {
		return price.Example(), nil
	}
	text, err := os.ReadFile(cfg.PriceBook)
	if err != nil {
		return price.Book{}, usage(fmt.Errorf("read price book: %w", err))
	}
	b, err := price.Parse(cfg.PriceBook, text)
	return b, usage(err)
}
