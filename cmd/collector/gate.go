package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
)

// gateFlags are the flags of the command.
type gateFlags struct {
	query             report.GateQuery
	maxAge, server    string
	sarifFile, saveTo string
	dryRun, all       bool
	launch            bool
	answers           string
	entry             catalog.Service
	// orDefault judges a launch by the default framework where there is no configuration.
	orDefault bool
}

func newGate(s *streams) *cobra.Command {
	var flags gateFlags
	var format output
	cmd := &cobra.Command{
		Use:   "gate SERVICE [--badge BADGE]",
		Short: "Decide whether a service has proved what a release asks of it",
		Long: `Decide whether a service proves a badge, the checks of some modules, or single
checks, by fresh evidence. Only what is asked decides. It is for pipelines.
Without --badge and --check, the badge is the service's own target.

It asks a running daemon with --server, and reads the store of the configuration
without. A password for the daemon goes into the address, or better into
READINESS_SERVER.

With --launch: for a service that is in no catalog yet. It is judged by what its
team has answered in the playbook, as the daemon would by these answers alone:

  collector playbook wallet --launch --tier 1 > wallet.md
  collector gate wallet --launch --answers wallet.md --badge silver

What only machines or the catalog can prove is named and does not decide.
Without a configuration file the default framework asks.

Exit codes: 0 proven, or --dry-run; exempt checks do not stand in the way;
1 not proven; 2 the command line or the configuration is not valid; 3 cannot
tell: evidence is missing, stale or older than --max-age, or the collector does
not answer.`,
		Example: `  collector gate checkout --badge gold --server http://readiness:9847
  collector gate checkout --badge silver --module cicd --max-age 30m
  collector gate checkout --check cicd.no-drift -o junit > readiness.xml
  collector gate checkout --badge gold -o md --save verdict.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("want the name of one service, not %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(flags.checkLaunch(cmd), flags.check(s.environ)); err != nil {
				return &usageError{err}
			}
			gate, err := s.gate(cmd.Context(), args[0], &flags)
			if err != nil {
				return err
			}
			if err := flags.write(s, format, gate); err != nil {
				return err
			}
			return gateError(gate, flags.dryRun, format)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.query.Badge, "badge", "", "bronze, silver, gold, platinum or diamond; without, the target")
	f.StringSliceVar(&flags.query.Modules, "module", nil, "of the badge, only the checks of this module; may be repeated")
	f.StringSliceVar(&flags.query.Checks, "check", nil, "a check by its id; may be repeated")
	f.StringVar(&flags.maxAge, "max-age", "", "how old evidence may be, such as 30m")
	f.StringVar(&flags.server, "server", "", "address of a running daemon, such as http://127.0.0.1:9847")
	f.StringVar(&flags.saveTo, "save", "", "write the verdict as JSON into this file, besides")
	f.StringVar(&flags.sarifFile, "sarif-file", "catalog-info.yaml", "the file at which a code host shows SARIF")
	f.BoolVar(&flags.dryRun, "dry-run", false, "say the verdict and exit with 0")
	f.BoolVar(&flags.all, "all", false, "list the checks that are proven, too")
	f.BoolVar(&flags.launch, "launch", false, "for a service that is in no catalog yet")
	f.StringVar(&flags.answers, "answers", "", "with --launch: the playbook that the team has filled in")
	launchEntry(f, &flags.entry)
	format.register(cmd, "text", "json", "junit", "sarif", "md")
	return cmd
}

// serverVariable is the address of the daemon where --server is not given.
const serverVariable = "READINESS_SERVER"

// check reads the flags that are texts.
func (f *gateFlags) check(environ []string) error {
	if f.query.Badge == "" && len(f.query.Modules) > 0 && len(f.query.Checks) > 0 {
		return errors.New("--module needs --badge where --check is given: it narrows the checks of a badge")
	}
	if f.query.Badge != "" {
		badge, err := framework.ParseBadge(strings.ToLower(f.query.Badge))
		if err == nil && badge == framework.NoBadge {
			err = errors.New("every service proves no badge; want bronze, silver, gold, platinum or diamond")
		}
		if err != nil {
			return fmt.Errorf("--badge: %w", err)
		}
		f.query.Badge = badge.String()
	}
	if f.maxAge != "" {
		age, err := model.ParseDuration(f.maxAge)
		if err != nil || age <= 0 {
			return fmt.Errorf("--max-age %q: want a duration such as 30m or 2h", f.maxAge)
		}
		f.query.MaxAge = time.Duration(age)
	}
	if f.server == "" {
		for _, variable := range environ {
			if value, ok := strings.CutPrefix(variable, serverVariable+"="); ok {
				f.server = value
			}
		}
	}
	return nil
}

// checkLaunch refuses flags that do not go together before a launch, and fills in the file
// that code hosts show the results at.
func (f *gateFlags) checkLaunch(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	for _, name := range append(launchFlags(), "answers") {
		if !f.launch && changed(name) {
			return fmt.Errorf("--%s is of no use without --launch", name)
		}
	}
	switch {
	case !f.launch:
		return nil
	case f.answers == "":
		return errors.New("--launch needs --answers with the playbook that the team has filled in: " +
			"`collector playbook SERVICE --launch --tier N` prints one")
	case f.query.Badge == "" && len(f.query.Checks) == 0:
		return errors.New("nothing is asked: a service that is in no catalog yet has no target; give --badge, or --check with " +
			"the id of a check")
	case f.server != "":
		return errors.New("--launch judges by the configuration: leave out --server")
	}
	f.orDefault = !changed("config")
	if !changed("sarif-file") {
		f.sarifFile = f.answers
	}
	return nil
}

// gate asks for the service and decides. What is wrong with the command line or the
// configuration is an error; a collector that does not answer is a verdict.
func (s *streams) gate(ctx context.Context, service string, flags *gateFlags) (report.Gate, error) {
	if flags.launch {
		return s.launchGate(service, flags)
	}
	now := time.Now()
	card, err := s.cardOf(ctx, service, flags.server)
	if err != nil {
		_, usage := errors.AsType[*usageError](err)
		_, invalid := errors.AsType[*app.InvalidError](err)
		if usage || invalid {
			return report.Gate{}, err
		}
		return report.UnknownGate(service, flags.query, err.Error(), now), nil
	}
	gate, err := report.NewGate(card, flags.query, now)
	if err != nil {
		return report.Gate{}, &usageError{err}
	}
	return gate, nil
}

// launchGate decides by the answers of the team.
func (s *streams) launchGate(service string, flags *gateFlags) (report.Gate, error) {
	card, launch, err := app.Launch(s.options(s.quiet()),
		app.LaunchQuery{Service: service, Entry: flags.entry, Answers: flags.answers, OrDefault: flags.orDefault})
	if _, unknown := errors.AsType[*app.UnknownNameError](err); unknown {
		return report.Gate{}, &usageError{err}
	}
	if err != nil {
		return report.Gate{}, err
	}
	gate, err := report.NewLaunchGate(card, flags.query, launch, card.At)
	if err != nil {
		return report.Gate{}, &usageError{err}
	}
	return gate, nil
}

func (s *streams) cardOf(ctx context.Context, service, server string) (report.Scorecard, error) {
	source, err := s.cards(ctx, server)
	if err != nil {
		return report.Scorecard{}, err
	}
	return source.scorecard(ctx, service)
}

// write writes the verdict, and the file that a pipeline keeps.
func (f *gateFlags) write(s *streams, format output, gate report.Gate) error {
	if f.saveTo != "" {
		var body strings.Builder
		if err := gate.WriteJSON(&body); err != nil {
			return err
		}
		if err := os.WriteFile(f.saveTo, []byte(body.String()), 0o600); err != nil {
			return fmt.Errorf("writing the verdict: %w", err)
		}
	}
	switch format {
	case "json":
		return gate.WriteJSON(s.out)
	case "junit":
		return gate.WriteJUnit(s.out)
	case "md":
		return gate.WriteMarkdown(s.out)
	case "sarif":
		return gate.WriteSARIF(s.out, f.sarifFile)
	}
	return write(format, s.out, nil, nil, func(w io.Writer) error {
		style := s.style()
		style.All = f.all
		return gate.WriteText(w, style)
	})
}

// gateError is the exit code of a verdict. It is said for formats that people do not read.
func gateError(gate report.Gate, dryRun bool, format output) error {
	out := &verdictError{code: exitFailure, text: "not proven: " + gate.Words}
	switch {
	case dryRun || gate.Verdict == report.GateProven:
		return nil
	case gate.Verdict == report.GateUnknown:
		out = &verdictError{code: exitUnknown, text: "cannot tell: " + gate.Words}
	}
	if format == "text" {
		out.text = ""
	}
	return out
}
