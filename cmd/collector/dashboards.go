package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/prodready/collector/grafana"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/rules"
)

// jsonFormat is the default of --format of `dashboards`.
const jsonFormat = "json"

// dashboardFormats are how dashboards are written, by the value of --format.
func dashboardFormats() map[string]func(grafana.Values, grafana.Kubernetes) (map[string][]byte, error) {
	return map[string]func(grafana.Values, grafana.Kubernetes) (map[string][]byte, error){
		jsonFormat:         func(v grafana.Values, _ grafana.Kubernetes) (map[string][]byte, error) { return grafana.All(v) },
		"configmap":        grafana.ConfigMaps,
		"grafanadashboard": grafana.OperatorDashboards,
	}
}

func newDashboards(s *streams) *cobra.Command {
	var out, format string
	var values grafana.Values
	var kubernetes grafana.Kubernetes
	cmd := &cobra.Command{
		Use:   "dashboards --out DIR",
		Short: "Write the dashboards for Grafana",
		Long: `Write the five dashboards for Grafana as JSON: fleet readiness, service
scorecard, incidents and readiness, team review, collector health. They read the
series that the recording rules make. Services and checks lead to the pages of
the collector at --pages-url. Checks have the titles of the framework of the
configuration; without a configuration file those of the default.

Files of the same names are replaced. Grafana knows a dashboard by its uid, so
that a new import replaces the old one. --format configmap writes ConfigMaps for
the sidecar of Grafana's Helm chart, grafanadashboard objects of the Grafana
operator.
` + exitCodes,
		Example: `  collector dashboards --out boards --pages-url https://ready.example.com
  collector dashboards --out manifests --format configmap --namespace monitoring`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return &usageError{errors.New("--out is missing: a folder, such as dashboards")}
			}
			write, known := dashboardFormats()[format]
			if !known {
				return &usageError{fmt.Errorf("--format is %q%s: want json, configmap or grafanadashboard",
					format, nearest.Suggest(format, slices.Sorted(maps.Keys(dashboardFormats()))))}
			}
			if err := manifestFlags(cmd.Flags(), format, kubernetes); err != nil {
				return &usageError{err}
			}
			values.Docs = cmp.Or(values.Docs, grafana.DefaultDocs)
			for flag, address := range map[string]string{"--pages-url": values.Pages, "--docs-url": values.Docs} {
				if err := baseAddress(address); err != nil {
					return &usageError{fmt.Errorf("%s is %q: %w", flag, address, err)}
				}
			}
			document, _, err := s.criteria(cmd)
			if err != nil {
				return err
			}
			values.Titles = document.Titles()
			texts, err := write(values, kubernetes)
			if err != nil {
				return err
			}
			return s.writeAll(out, texts, "dashboard")
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "the folder to write to; it is made if it is missing")
	flags.StringVar(&values.Pages, "pages-url", grafana.DefaultPages, "where people reach the pages of the collector")
	flags.StringVar(&values.Docs, "docs-url", "", "where the documentation is; that of the project if it is not given")
	flags.StringVar(&format, "format", jsonFormat, "json; configmap or grafanadashboard for Kubernetes")
	flags.StringVar(&kubernetes.Namespace, namespaceFlag, "", "the namespace of the objects")
	flags.StringToStringVar(&kubernetes.Labels, labelsFlag, nil, "labels of the objects: `KEY=VALUE,...`")
	flags.StringVar(&kubernetes.Folder, folderFlag, "Readiness", "the folder in Grafana that the objects name")
	flags.StringToStringVar(&kubernetes.Instances, instancesFlag, map[string]string{"dashboards": "grafana"},
		"labels of the Grafana that a GrafanaDashboard is for: `KEY=VALUE,...`")
	return cmd
}

// The flags of `dashboards` for manifests.
const (
	namespaceFlag = "namespace"
	labelsFlag    = "labels"
	folderFlag    = "folder"
	instancesFlag = "instances"
)

// manifestFlags refuses flags that the format does not use, and names that Kubernetes does
// not have.
func manifestFlags(flags *pflag.FlagSet, format string, k grafana.Kubernetes) error {
	formats := map[string][]string{
		namespaceFlag: {"configmap", "grafanadashboard"}, labelsFlag: {"configmap", "grafanadashboard"},
		folderFlag: {"configmap", "grafanadashboard"}, instancesFlag: {"grafanadashboard"},
	}
	for _, flag := range slices.Sorted(maps.Keys(formats)) {
		if flags.Changed(flag) && !slices.Contains(formats[flag], format) {
			return fmt.Errorf("--%s is for --format %s", flag, strings.Join(formats[flag], " or "))
		}
	}
	if k.Namespace != "" && !rules.IsObjectName(k.Namespace) {
		return fmt.Errorf("--%s is %q: want letters a to z, digits and -, at most 63", namespaceFlag, k.Namespace)
	}
	return nil
}

// baseAddress refuses what paths cannot be added to.
func baseAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("not an address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("an address begins with https:// or http:// and has a host, such as https://readiness.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("a base address ends with its path: leave out the password and what begins with ? or #")
	}
	return nil
}

// writeAll writes texts to files of a folder, which it makes if it is missing, and says
// how many there are and of what kind.
func (s *streams) writeAll(folder string, texts map[string][]byte, kind string) error {
	// Anybody may read what is made of public files.
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // as above
		return fmt.Errorf("making a folder for %ss: %w", kind, err)
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil { //nolint:gosec // as above
			return fmt.Errorf("writing a %s: %w", kind, err)
		}
	}
	_, err := fmt.Fprintf(s.out, "%s in %s\n", report.Plural(len(texts), kind), report.Printable(folder))
	return err
}
