package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// Region is the service region of a PagerDuty account.
type Region string

// The service regions of PagerDuty.
const (
	RegionUS Region = "us"
	RegionEU Region = "eu"
)

// The addresses of PagerDuty. Tokens of both regions come from one place; the
// scope names the region.
const (
	pagerDutyUS    = "https://api.pagerduty.com"
	pagerDutyEU    = "https://api.eu.pagerduty.com"
	pagerDutyToken = "https://identity.pagerduty.com/oauth/token" //nolint:gosec // an address
)

// PagerDutyOAuth is an app of a PagerDuty account with Scoped OAuth. Its tokens
// are asked for when they are needed and again when they end.
type PagerDutyOAuth struct {
	// ClientID is the app's id; empty means that there is none.
	ClientID string `yaml:"client_id"`
	// ClientSecretFile is a file that holds the app's secret, ClientSecretEnv an
	// environment variable that does.
	ClientSecretFile string `yaml:"client_secret_file"`
	ClientSecretEnv  string `yaml:"client_secret_env"`
	// Subdomain is the account's: example of example.pagerduty.com.
	Subdomain string `yaml:"subdomain"`
	// Region is us or eu.
	Region Region `yaml:"region"`
	// Scopes are what a token is asked for. The app must have all of them.
	Scopes []string `yaml:"scopes"`
	// TokenURL is where tokens come from.
	TokenURL string `yaml:"token_url"`
}

// defaultPagerDutyOAuth asks for what docs/sources.md lists, and nothing else.
func defaultPagerDutyOAuth() PagerDutyOAuth {
	return PagerDutyOAuth{
		Region: RegionUS,
		Scopes: []string{
			"services.read", "escalation_policies.read", "schedules.read", "oncalls.read", "incidents.read",
			"users.read", "change_events.read", "incident_workflows.read",
		},
		TokenURL: pagerDutyToken,
	}
}

// IsZero reports whether no app is configured.
func (o PagerDutyOAuth) IsZero() bool {
	return o.ClientID == "" && o.ClientSecretFile == "" && o.ClientSecretEnv == "" && o.Subdomain == ""
}

// client is how prometheus/common writes it. The token comes the way that the
// API is reached: by the same proxy, with the same certificates.
func (o PagerDutyOAuth) client(secret Credential, base HTTPClient) (*promconfig.OAuth2, error) {
	plain, err := secret.Read()
	if err != nil {
		return nil, err
	}
	out := &promconfig.OAuth2{
		ClientID: o.ClientID, ClientSecret: promconfig.Secret(plain.Reveal()), TokenURL: o.TokenURL,
		Scopes:    append([]string{"as_account-" + string(o.Region) + "." + o.Subdomain}, o.Scopes...),
		TLSConfig: base.TLSConfig, ProxyConfig: base.ProxyConfig,
	}
	if o.ClientSecretFile != "" {
		// The name of a file is preferred to its content, so that it can rotate.
		out.ClientSecret, out.ClientSecretFile = "", o.ClientSecretFile
	}
	return out, nil
}

var (
	subdomain = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	scope     = regexp.MustCompile(`^[a-z_]+(?:[.:][a-z_]+)*$`)
)

// pagerDutyOAuth checks the app of an account and makes its credential.
func (v *validator) pagerDutyOAuth(path string, p *PagerDuty) Credential {
	o := &p.OAuth
	at := path + ".oauth"
	v.word(at+".region", string(o.Region), string(RegionUS), string(RegionEU))
	v.required(at+".client_id", "the id of the app", o.ClientID)
	switch {
	case strings.ContainsAny(o.Subdomain, "./:"):
		v.add(at+".subdomain", "this is more than the subdomain; of https://example.pagerduty.com write example")
	case v.required(at+".subdomain", "the account's subdomain", o.Subdomain) && !subdomain.MatchString(o.Subdomain):
		v.add(at+".subdomain", "the subdomain cannot be used; of https://example.pagerduty.com write example")
	}
	if len(o.Scopes) == 0 {
		v.add(at+".scopes", "there is no scope; leave the key out for those that are needed")
	}
	for i, s := range o.Scopes {
		switch {
		case strings.HasPrefix(s, "as_account-"):
			v.add(at+".scopes", "the scope as_account- is made of subdomain and region; remove it")
		case !scope.MatchString(s) || slices.Index(o.Scopes, s) < i:
			v.add(at+".scopes", "entry %d is no scope, or is given twice; write words such as services.read", i+1)
		case strings.HasSuffix(s, ".write"):
			v.add(at+".scopes",
				"entry %d lets the token change things, which this program never does; give it read scopes only", i+1)
		}
	}
	v.address(at+".token_url", "the address", &o.TokenURL)
	// Both the scope and the endpoint depend on the region.
	wrong := map[Region]string{RegionUS: pagerDutyEU, RegionEU: pagerDutyUS}[o.Region]
	if wrong != "" && p.Endpoint == wrong && v.given(path+".endpoint") {
		v.add(path+".endpoint",
			"this is the endpoint of the other region than that of oauth.region; correct one of them")
	} else if o.Region == RegionEU && p.Endpoint == pagerDutyUS {
		p.Endpoint = pagerDutyEU
	}
	return v.secretOf(at,
		"client_secret_file", "client_secret_env", "secret", &o.ClientSecretFile, o.ClientSecretEnv, true)
}

// oauthAddress checks where http_client.oauth2 gets its tokens.
func (v *validator) oauthAddress(path string, client HTTPClient) {
	if client.OAuth2 == nil || v.spoilt[path] {
		return
	}
	u, err := url.Parse(client.OAuth2.TokenURL)
	switch at := path + ".oauth2.token_url"; {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		v.add(at, "this is not a web address; write it as https://host/path")
	case u.User != nil:
		v.add(at, "the address holds credentials, which must not stand here; use client_id and client_secret_file")
	}
}
