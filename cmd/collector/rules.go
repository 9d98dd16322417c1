package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/rules"
	"github.com/prodready/collector/strictyaml"
	"github.com/prodready/collector/textfile"
)

// ruleFlags are the flags of `rules` that set values of the rules.
const (
	withoutFlag  = "without"
	runbooksFlag = "runbooks-url"
	grafanaFlag  = "grafana-url"
)

// prometheusFormat is the default of --format.
const prometheusFormat = "prometheus"

// ruleFormats are how rules are written, by the value of --format.
func ruleFormats() map[string]func(rules.Values) (map[string][]byte, error) {
	return map[string]func(rules.Values) (map[string][]byte, error){
		prometheusFormat: rules.All, "prometheusrule": rules.Manifests,
	}
}

func newRules(s *streams) *cobra.Command {
	var out, file, format string
	var given rules.Values
	cmd := &cobra.Command{
		Use:   "rules --out DIR [--values FILE]",
		Short: "Write the recording and alert rules for Prometheus",
		Long: `Write the recording and alert rules for Prometheus 2.40 or later, or 3. The
dashboards read the series that they make. Files of the same names are replaced.

Thresholds, severities by tier and base addresses come from the YAML file of
--values; what it leaves out has the default. docs/alerts.md lists the keys. The
other flags have precedence over the file. --format prometheusrule writes an
object of the Prometheus operator instead of a file of Prometheus.

A service without a team or an organisation has the name of --without for it in
the recorded series, so that its alerts have a label to route by.
` + exitCodes,
		Example: `  collector rules --out rules --grafana-url https://grafana.example.com
  collector rules --out rules --values rules-values.yaml
  collector rules --out manifests --format prometheusrule`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return &usageError{errors.New("--out is missing: a folder, such as rules")}
			}
			values, err := readRuleValues(file)
			if err != nil {
				return &usageError{err}
			}
			if err := setRuleFlags(&values, given, cmd.Flags()); err != nil {
				return &usageError{err}
			}
			write, known := ruleFormats()[format]
			if !known {
				return &usageError{fmt.Errorf("--format is %q%s: want prometheus or prometheusrule",
					format, nearest.Suggest(format, slices.Sorted(maps.Keys(ruleFormats()))))}
			}
			texts, err := write(values)
			if err != nil {
				return err
			}
			return s.writeAll(out, texts, "rule file")
		},
	}
	flags, standard := cmd.Flags(), rules.Defaults()
	flags.StringVar(&out, "out", "", "the folder to write to; it is made if it is missing")
	flags.StringVar(&file, "values", "", "a YAML file of thresholds, severities and addresses")
	flags.StringVar(&format, "format", prometheusFormat, "prometheus, or prometheusrule for the Prometheus operator")
	flags.StringVar(&given.Without, withoutFlag, standard.Without, "the team of services without one")
	flags.StringVar(&given.Runbooks, runbooksFlag, "", "where the runbooks are; those of the project if it is not given")
	flags.StringVar(&given.Grafana, grafanaFlag, standard.Grafana, "where people reach Grafana")
	return cmd
}

// setRuleFlags puts the values of the flags that were given over those of the file.
func setRuleFlags(values *rules.Values, given rules.Values, flags *pflag.FlagSet) error {
	if flags.Changed(withoutFlag) {
		if given.Without == "" {
			return errors.New("--without is empty: give services without a team a name, such as none")
		}
		values.Without = given.Without
	}
	for _, a := range []struct {
		flag, address string
		to            *string
	}{{runbooksFlag, given.Runbooks, &values.Runbooks}, {grafanaFlag, given.Grafana, &values.Grafana}} {
		if !flags.Changed(a.flag) {
			continue
		}
		if err := baseAddress(a.address); err != nil {
			return fmt.Errorf("--%s is %q: %w", a.flag, a.address, err)
		}
		*a.to = a.address
	}
	return nil
}

// maxRuleValues bounds the file of --values, in bytes.
const maxRuleValues = 1 << 20

// readRuleValues reads the values of the rules from a file, those of the defaults without
// one.
func readRuleValues(file string) (rules.Values, error) {
	values := rules.Defaults()
	if file == "" {
		return values, nil
	}
	text, err := textfile.Read(file, maxRuleValues)
	switch {
	case errors.Is(err, textfile.ErrNotRegular), errors.Is(err, textfile.ErrTooLarge):
		return values, fmt.Errorf("reading the values of the rules: %s is not a regular file of at most 1 MiB", file)
	case err != nil:
		return values, fmt.Errorf("reading the values of the rules: %w", err)
	}
	document, err := strictyaml.Parse(text)
	if err != nil {
		return values, strictyaml.Located(file, err)
	}
	if document.Values == nil {
		return values, nil
	}
	decoder := strictyaml.Decoder{Words: map[reflect.Type]string{
		reflect.TypeFor[model.Duration](): "a duration such as 90s, 1h30m or 14d",
	}}
	faults := decoder.Decode(document, &values)
	if len(faults) == 0 {
		for _, f := range values.Faults(baseAddress) {
			faults = append(faults, strictyaml.Fault{Path: f.Path, Position: document.Positions[f.Path], Text: f.Text})
		}
	}
	if len(faults) > 0 {
		return values, &strictyaml.Faults{File: file, List: faults}
	}
	return values, nil
}
