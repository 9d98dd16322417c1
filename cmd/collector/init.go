package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"github.com/spf13/cobra"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scaffold"
)

// The environment variables that stand in for flags of init.
const (
	variablePagerDutyToken = "PAGERDUTY_TOKEN"
	variableJiraURL        = "JIRA_URL"
	variableJiraEmail      = "JIRA_EMAIL"
	variableJiraToken      = "JIRA_TOKEN"
	variablePrometheusURL  = "PROMETHEUS_URL"
)

// defaultTier is the tier of a service until a person chooses.
const defaultTier = 3

// initFlags are the flags of init.
type initFlags struct {
	force bool
	tiers []string

	pagerDutyTokenFile, pagerDutyTokenEnv, pagerDutyEndpoint                 string
	jiraURL, jiraAPI, jiraDeployment, jiraEmail, jiraTokenFile, jiraTokenEnv string
	prometheusURL, prometheusTokenFile                                       string
}

func newInit(s *streams) *cobra.Command {
	var flags initFlags
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a starting configuration from what the credentials can see",
		Long: `Ask PagerDuty, Jira and Prometheus what there is and write a starting
configuration: services and teams from PagerDuty, linked by name to components
and projects of Jira and to jobs and namespaces of Prometheus, the repositories
that these name, the presets that the server's metrics can answer, and comments
on what is missing: tiers to be chosen, facts without a metric, checks that are
not measurable and what would give them.

FILE is the file that --config names unless it is given; - is the standard
output. A file that exists is kept unless --force is given. Give what you have:
a source that is not named is left out, and one that does not answer costs only
itself: the rest is written, with a comment, and the command exits 1. Secrets
are never written, only where they are: token_file or token_env.

Instead of flags: ` + variablePagerDutyToken + `, ` + variableJiraURL + `, ` + variableJiraEmail + `,
` + variableJiraToken + ` and ` + variablePrometheusURL + ` in the environment.
` + exitCodes,
		Example: `  collector init --pagerduty-token-file secrets/pagerduty
  collector init --jira-url https://example.atlassian.net \
    --jira-email me@example.com --jira-token-file secrets/jira \
    --prometheus-url http://prometheus:9090 -
  PAGERDUTY_TOKEN=… collector init --tier 3 --tier checkout=1 --tier team:edge=2`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{fmt.Errorf("one file at a time, not %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			target := s.configPath
			if len(args) == 1 {
				target = args[0]
			}
			return s.init(cmd, flags, target)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&flags.force, "force", false, "overwrite the file")
	f.StringArrayVar(&flags.tiers, "tier", nil, fmt.Sprintf("tier of every service until a person chooses, 1 to 4 "+
		"(default %d); or NAME=N or team:TEAM=N for some, where NAME is a regular expression; may be repeated, and "+
		"the first that fits counts", defaultTier))
	f.StringVar(&flags.pagerDutyTokenFile, "pagerduty-token-file", "", "file with a read-only PagerDuty API key")
	f.StringVar(&flags.pagerDutyTokenEnv, "pagerduty-token-env", "", "environment variable with the key")
	f.StringVar(&flags.pagerDutyEndpoint, "pagerduty-endpoint", config.DefaultPagerDuty().Endpoint,
		"address of the PagerDuty API; https://api.eu.pagerduty.com for the EU region")
	f.StringVar(&flags.jiraURL, "jira-url", "", "address of the Jira site")
	f.StringVar(&flags.jiraAPI, "jira-api-url", "",
		"address of its API for tokens with scopes: https://api.atlassian.com/ex/jira/ and the id of the site")
	f.StringVar(&flags.jiraDeployment, "jira-deployment", string(config.Cloud), "cloud or datacenter")
	f.StringVar(&flags.jiraEmail, "jira-email", "", "account that the token belongs to (Cloud)")
	f.StringVar(&flags.jiraTokenFile, "jira-token-file", "",
		"file with the API token, or personal access token of Data Center")
	f.StringVar(&flags.jiraTokenEnv, "jira-token-env", "", "environment variable with the token")
	f.StringVar(&flags.prometheusURL, "prometheus-url", "", "address below which /api/v1 is")
	f.StringVar(&flags.prometheusTokenFile, "prometheus-token-file", "",
		"file with a bearer token, if the server asks for one")
	return cmd
}

func (s *streams) init(cmd *cobra.Command, flags initFlags, target string) error {
	toStdout := target == "-"
	options, err := flags.options(s, target)
	if err != nil {
		return err
	}
	if !toStdout && !flags.force {
		if _, err := os.Lstat(target); err == nil {
			return &usageError{fmt.Errorf("%s exists and was kept; say --force to overwrite it, name another file, or - for "+
				"the standard output", target)}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return &usageError{fmt.Errorf("%s cannot be written: %w", target, err)}
		}
	}
	starter, err := scaffold.New(cmd.Context(), options)
	if err != nil {
		return err
	}
	if toStdout {
		_, err = s.out.Write(starter.Text)
	} else {
		err = starter.WriteFile(target)
	}
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	name, file := target, target
	if toStdout {
		name, file = "the configuration", "FILE"
	}
	contents := report.Plural(starter.Services, "service") + ", " + report.Plural(starter.Teams, "team")
	if starter.NotMeasurable > 0 {
		contents += "; not measurable: " + report.Plural(starter.NotMeasurable, "check") + ", listed at its end"
	}
	_, _ = fmt.Fprintf(s.err, "%s: %s. %s, then: collector check --config %s\n", name, contents, toDoAfter(starter), file)
	if len(starter.Gaps) > 0 {
		_, _ = fmt.Fprintln(s.err)
		if err := report.WriteGaps(s.err, starter.Gaps, s.style()); err != nil {
			return err
		}
	}
	if err := errors.Join(starter.Failed...); err != nil {
		return fmt.Errorf("written without what did not answer: %w", err)
	}
	return nil
}

// toDoAfter is what a person does with the file first.
func toDoAfter(starter *scaffold.Scaffold) string {
	switch {
	case starter.Services > 0:
		return "Choose the tiers"
	case starter.Candidates > 0:
		return "No source names services: write them under catalog.services, where the jobs that Prometheus knows stand as " +
			"comments"
	}
	return "No source names services: write them under catalog.services"
}

// options are the sources that flags and environment name.
func (f *initFlags) options(s *streams, target string) (scaffold.Options, error) {
	path := target
	if target == "-" {
		path = "collector.yaml" // names of files are relative to the working folder
	}
	tier, rules, err := scaffold.ParseTiers(f.tiers, defaultTier)
	if err != nil {
		return scaffold.Options{}, &usageError{fmt.Errorf("--tier: %w", err)}
	}
	o := scaffold.Options{Path: path, Environ: s.environ, Tier: tier, Tiers: rules, Logger: s.quiet()}
	deployments := []string{string(config.Cloud), string(config.DataCenter)}
	if !slices.Contains(deployments, f.jiraDeployment) {
		return o, &usageError{fmt.Errorf("--jira-deployment %q%s: want %s", f.jiraDeployment,
			nearest.Suggest(f.jiraDeployment, deployments), list(deployments))}
	}
	variables := map[string]string{}
	for _, entry := range s.environ {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	for _, file := range []*string{&f.pagerDutyTokenFile, &f.jiraTokenFile, &f.prometheusTokenFile} {
		*file = scaffold.RelativeTo(path, *file)
	}
	o.PagerDuty = f.pagerDuty(variables)
	if o.Jira, err = f.jira(variables); err != nil {
		return o, err
	}
	if o.Prometheus, err = f.prometheus(variables); err != nil {
		return o, err
	}
	if o.PagerDuty == nil && o.Jira == nil && o.Prometheus == nil {
		return o, &usageError{errors.New("no source is named: give --pagerduty-token-file, --jira-url or --prometheus-url, " +
			"or their environment variables; see `collector init --help`")}
	}
	return o, nil
}

// tokenEnv is the variable with a token: the one that a flag names, else the
// usual one if it is set and no flag names a file.
func tokenEnv(file, flag, usual string, variables map[string]string) string {
	if file == "" && flag == "" && variables[usual] != "" {
		return usual
	}
	return flag
}

// pagerDuty is nil when no token is named.
func (f *initFlags) pagerDuty(variables map[string]string) *config.PagerDuty {
	account := config.DefaultPagerDuty()
	account.Name, account.Endpoint, account.TokenFile = "main", f.pagerDutyEndpoint, f.pagerDutyTokenFile
	account.TokenEnv = tokenEnv(f.pagerDutyTokenFile, f.pagerDutyTokenEnv, variablePagerDutyToken, variables)
	if account.TokenFile == "" && account.TokenEnv == "" {
		return nil
	}
	return &account
}

// jira is nil when no site is named.
func (f *initFlags) jira(variables map[string]string) (*config.Jira, error) {
	site := config.DefaultJira()
	site.Name, site.URL, site.APIURL = "main", cmp.Or(f.jiraURL, variables[variableJiraURL]), f.jiraAPI
	if site.URL == "" {
		if f.jiraTokenFile+f.jiraTokenEnv+f.jiraEmail+f.jiraAPI != "" {
			return nil, &usageError{errors.New("--jira-url is missing: the address of the site that the token is for")}
		}
		return nil, nil
	}
	site.Deployment = config.Deployment(f.jiraDeployment)
	site.TokenFile = f.jiraTokenFile
	site.TokenEnv = tokenEnv(f.jiraTokenFile, f.jiraTokenEnv, variableJiraToken, variables)
	if site.Deployment != config.DataCenter {
		site.Email = cmp.Or(f.jiraEmail, variables[variableJiraEmail])
	}
	return &site, nil
}

// prometheus is nil when no server is named.
func (f *initFlags) prometheus(variables map[string]string) (*config.Prometheus, error) {
	server := config.DefaultPrometheus()
	server.Name, server.URL = "main", cmp.Or(f.prometheusURL, variables[variablePrometheusURL])
	if server.URL == "" {
		if f.prometheusTokenFile != "" {
			return nil, &usageError{errors.New("--prometheus-url is missing: the address of the server that the token is for")}
		}
		return nil, nil
	}
	if f.prometheusTokenFile != "" {
		server.HTTPClient.Authorization = &promconfig.Authorization{Type: "Bearer", CredentialsFile: f.prometheusTokenFile}
	}
	return &server, nil
}
