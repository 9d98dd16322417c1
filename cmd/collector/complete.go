package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// completion gives the names that a shell completes.
type completion struct{ streams *streams }

// complete lets a shell complete names in cmd and the commands below it: services, teams,
// orgs, sources, checks and modules of the configuration that the command line names, and
// words of closed sets.
func complete(s *streams, cmd *cobra.Command) {
	c := completion{s}
	flags := map[string]func(app.Names) []string{
		"service": func(n app.Names) []string { return n.Services },
		"team":    func(n app.Names) []string { return n.Teams },
		"org":     func(n app.Names) []string { return n.Orgs },
		"source":  func(n app.Names) []string { return n.Sources },
		"check":   func(n app.Names) []string { return n.Checks },
		"module":  func(n app.Names) []string { return n.Modules },
		"badge":   func(app.Names) []string { return badgeNames() },
		"tier":    func(app.Names) []string { return tierNames() },
	}
	for name, of := range flags {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, c.names(of)) // fails only for a second one
		}
	}
	if f := cmd.Flags().Lookup("output"); f != nil {
		if o, ok := f.Value.(*outputFlag); ok {
			_ = cmd.RegisterFlagCompletionFunc("output", c.names(func(app.Names) []string { return o.formats }))
		}
	}
	switch arguments := strings.Fields(cmd.Use)[1:]; {
	case len(arguments) == 0 || cmd.HasSubCommands():
	case strings.Trim(arguments[0], "[]") == "SERVICE":
		cmd.ValidArgsFunction = c.serviceAndCheck(len(arguments) > 1 && strings.HasPrefix(arguments[1], "[CHECK"))
	case strings.HasPrefix(arguments[0], "[CHECK|MODULE"):
		words := strings.Split(strings.Trim(arguments[0], "[]"), "|")[2:]
		cmd.ValidArgsFunction = c.names(func(n app.Names) []string { return slices.Concat(n.Checks, n.Modules, words) })
	}
	for _, below := range cmd.Commands() {
		complete(s, below)
	}
}

// names completes one argument or flag.
func (c completion) names(of func(app.Names) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return beginning(of(c.known(cmd)), begun), cobra.ShellCompDirectiveNoFileComp
	}
}

// serviceAndCheck completes a service, and after it a check if the command takes one.
func (c completion) serviceAndCheck(check bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, before []string, begun string) ([]string, cobra.ShellCompDirective) {
		var names []string
		switch known := c.known(cmd); {
		case len(before) == 0:
			names = known.Services
		case len(before) == 1 && check:
			names = known.Checks
		}
		return beginning(names, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

func (c completion) known(cmd *cobra.Command) app.Names {
	return app.KnownNames(cmd.Context(), c.streams.options(c.streams.quiet()))
}

func beginning(names []string, begun string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, begun) })
}

func badgeNames() []string {
	var names []string
	for _, b := range framework.Badges()[1:] {
		names = append(names, b.String())
	}
	return names
}

func tierNames() []string {
	var names []string
	for tier := catalog.HighestTier; tier <= catalog.LowestTier; tier++ {
		names = append(names, strconv.Itoa(tier))
	}
	return names
}

func newCompletion(s *streams) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the script that lets a shell complete names",
		Long: `Print the script that lets bash, zsh, fish or powershell complete commands,
flags, and the names of services, teams, sources, checks and modules of the
configuration. docs/install.md says where each shell wants it.
` + exitCodes,
		Example: `  collector completion bash > /etc/bash_completion.d/collector
  collector completion zsh > "${fpath[1]}/_collector"`,
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return &usageError{fmt.Errorf("name one shell: %s", list(shells))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(s.out, true)
			case "zsh":
				return root.GenZshCompletion(s.out)
			case "fish":
				return root.GenFishCompletion(s.out, true)
			}
			return root.GenPowerShellCompletionWithDesc(s.out)
		},
	}
}
