package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
)

// streams are what a command talks to.
type streams struct {
	// name is what the program is called; empty is collector.
	name       string
	out, err   io.Writer
	environ    []string
	configPath string
	// flags are those that override configuration keys.
	flags *pflag.FlagSet
}

const exitCodes = `
Exit codes:
  0  done
  1  it was started and failed; the last line says what failed
  2  the command line, the configuration or the framework is not valid;
     nothing was started
`

func newRoot(s *streams) *cobra.Command {
	root := &cobra.Command{
		Use:   cmp.Or(s.name, "collector"),
		Short: "Production readiness as a product: evidence in, badges out",
		Long: `collector pulls evidence about every service from PagerDuty, Jira and
Prometheus, judges it against a versioned readiness framework, and exports
scores and badges as Prometheus metrics.

Start with:
  collector init                                     a first configuration
  collector check --config collector.yaml            is the configuration good?
  collector check --config collector.yaml --online   is all there that it names?
  collector collect --once --config collector.yaml   one round, then the fleet
  collector run --config collector.yaml              the daemon
` + exitCodes,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noUnknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVarP(&s.configPath, "config", "c", "collector.yaml", "configuration file")
	s.flags = pflag.NewFlagSet("keys", pflag.ContinueOnError)
	config.AddFlags(s.flags)
	root.PersistentFlags().AddFlagSet(s.flags)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w%s; `%s --help` lists the flags", err, flagHint(cmd, err), cmd.CommandPath())}
	})
	root.AddCommand(newInit(s), newRun(s), newCheck(s), newCollect(s), newScore(s), newHistory(s), newPlaybook(s),
		newIncidents(s), newReview(s), newCorrelate(s), newBadges(s), newDashboards(s), newRules(s), newGate(s),
		newFramework(s), newStore(s), newCompletion(s), newMan(s), newVersion(s))
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelp(root))
	root.Version = version
	root.SetVersionTemplate(versionText())
	root.SetUsageTemplate(usageTemplate(root.UsageTemplate()))
	strict(root)
	complete(s, root)
	return root
}

// usageTemplate is cobra's, in 80 columns, and with the flags of all commands in the
// help of the program alone.
func usageTemplate(text string) string {
	text = strings.ReplaceAll(text, ".LocalFlags.FlagUsages", ".LocalFlags.FlagUsagesWrapped 80")
	return strings.ReplaceAll(text, `Global Flags:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}`,
		"Global flags, such as --config and --store.url: see collector --help")
}

// noArgs refuses arguments of a command that takes none.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%q is one too many: the command takes no arguments", args[0])
}

// newHelp makes the help command, which refuses the name of no command.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			about := root
			for _, name := range args {
				var names []string
				var next *cobra.Command
				for _, c := range about.Commands() {
					names = append(names, c.Name())
					if c.Name() == name || c.HasAlias(name) {
						next = c
					}
				}
				if next == nil {
					return &usageError{fmt.Errorf("no help: unknown command %q%s", name, nearest.Suggest(name, names))}
				}
				about = next
			}
			return about.Help()
		},
	}
}

// strict makes what a command says of its arguments an error of usage, with the
// nearest of its commands.
func strict(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var usage *usageError
			if err == nil || errors.As(err, &usage) {
				return err
			}
			var names []string
			for _, c := range cmd.Commands() {
				names = append(names, c.Name())
			}
			return &usageError{fmt.Errorf("%w%s; `%s --help` says what it takes", err,
				nearest.Suggest(args[0], names), cmd.CommandPath())}
		}
	}
	for _, c := range cmd.Commands() {
		strict(c)
	}
}

// flagHint names the flag that an unknown one is nearest to.
func flagHint(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return nearest.Suggest("--"+unknown.GetSpecifiedName(), names)
}

// options are what every command starts the program with.
func (s *streams) options(log *slog.Logger) app.Options {
	return app.Options{ConfigPath: s.configPath, Environ: s.environ, Flags: s.flags, Logger: log, LogOutput: s.err,
		Version: version, Revision: builtFrom()}
}

// quiet logs warnings and errors only: for commands whose output is a result.
func (s *streams) quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// terminal reports whether the stream is a terminal that wants colour.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
}

func (s *streams) style() report.Style {
	return report.Style{Colour: terminal(s.out), Width: s.width()}
}

// width is the number of columns of the output: those of the terminal, else those
// that the environment's COLUMNS asks for, else 0.
func (s *streams) width() int {
	if width := terminalWidth(s.out); width > 0 {
		return width
	}
	for _, entry := range s.environ {
		if value, ok := strings.CutPrefix(entry, "COLUMNS="); ok {
			if width, err := strconv.Atoi(value); err == nil {
				return max(width, 0)
			}
		}
	}
	return 0
}

// terminalWidth is the number of columns of a terminal, 0 for anything else.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// output is the -o flag.
type output string

func (o *output) register(cmd *cobra.Command, formats ...string) {
	o.registerAs(cmd, "output", "o", formats...)
}

// registerAs is register for a command whose flag has another name.
func (o *output) registerAs(cmd *cobra.Command, name, short string, formats ...string) {
	*o = output(formats[0])
	cmd.Flags().VarP(&outputFlag{value: o, formats: formats}, name, short, "output format: "+list(formats))
}

type outputFlag struct {
	value   *output
	formats []string
}

func (f *outputFlag) String() string { return string(*f.value) }

func (f *outputFlag) Type() string { return "format" }

func (f *outputFlag) Set(text string) error {
	if slices.Contains(f.formats, text) {
		*f.value = output(text)
		return nil
	}
	return fmt.Errorf("unknown format%s: want %s", nearest.Suggest(text, f.formats), list(f.formats))
}

func list(words []string) string {
	text := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			text += " or "
		default:
			text += ", "
		}
		text += w
	}
	return text
}

// noUnknownCommand refuses a word that is none of the commands below cmd, with the
// nearest one.
func noUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return &usageError{fmt.Errorf("unknown command %q%s", args[0], nearest.Suggest(args[0], names))}
}
