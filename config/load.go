package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/strictyaml"
	"github.com/prodready/collector/textfile"
)

// Options say where the configuration comes from.
type Options struct {
	// Path is the configuration file; empty means that there is none.
	Path string
	// Environ is the environment, as os.Environ gives it. It sets keys through
	// EnvPrefix and holds the variables that token_env keys name.
	Environ []string
	// Flags is the command line; flags that were given and whose names are
	// keys, such as those of AddFlags, win over file and environment. It may be
	// nil.
	Flags *pflag.FlagSet
	// Presets are the names of the presets that sources.prometheus may name; nil does
	// not check them.
	Presets []string
	// ReadFile reads the configuration and the files it names; nil reads regular files
	// of at most textfile.MaxBytes, and of secrets less.
	ReadFile func(name string) ([]byte, error)
	// NoRequests is set by what makes no request to a source: a secret of a source that
	// cannot be read is no error then, and the source has none.
	NoRequests bool
	// injected is ReadFile as it was given.
	injected func(name string) ([]byte, error)
}

func (o Options) withDefaults() Options {
	o.injected = o.ReadFile
	if o.ReadFile == nil {
		o.ReadFile = func(name string) ([]byte, error) { return textfile.Read(name, textfile.MaxBytes) }
	}
	return o
}

// AddFlags declares the flags that override a key. Every key outside of lists
// can be set by a flag of its name; these are the ones people reach for.
func AddFlags(flags *pflag.FlagSet) {
	defaults := Default()
	flags.String("store.url",
		defaults.Store.URL.Reveal(), "SQLite file or postgres:// address (no password here: use store.url_file or "+EnvPrefix+
			"STORE__URL)")
	flags.String("server.listen-address", defaults.Server.ListenAddress, "host:port to serve on")
	flags.String(
		"server.web-config-file", defaults.Server.WebConfigFile, "file with TLS and basic authentication settings")
	flags.Bool("server.enable-lifecycle", defaults.Server.EnableLifecycle, "serve POST /-/reload")
	flags.String("framework.file", defaults.Framework.File, "framework file instead of the embedded one")
	flags.String("log.level", defaults.Log.Level, "debug, info, warn or error")
	flags.String("log.format", defaults.Log.Format, "text or json")
}

// Load reads the configuration and checks it whole. The error is of type
// Problems and holds everything that is wrong, with its place and a remedy, and
// no secret. Files that the configuration names are tried to be read; nothing
// is asked of the network.
func Load(o Options) (*Valid, error) {
	o = o.withDefaults()
	r := newReport(o.Path)
	var text []byte
	if o.Path != "" {
		var err error
		if text, err = o.ReadFile(o.Path); err != nil {
			r.addAt(r.root, "", "the configuration cannot be read: %v; check the name and the permissions", bare(err))
			return nil, r.err()
		}
	}
	config := Default()
	l := layers{report: r, merged: koanf.New(".")}
	if err := l.load(text, o, &config); err != nil {
		place := r.root
		if syntax := (*strictyaml.SyntaxError)(nil); errors.As(err, &syntax) {
			place.Line = syntax.Line
		}
		r.addAt(place, "", "%v", err)
		return nil, r.err()
	}
	return validate(config, o, r)
}

// Validate checks a configuration that was made in code. Options.Path is what
// relative file names are relative to, and Environ holds the variables of
// token_env keys. The error is as that of Load, without lines.
func (c Config) Validate(o Options) (*Valid, error) {
	return validate(c, o.withDefaults(), newReport(o.Path))
}

// Valid is a configuration that was checked: file names are resolved, defaults
// filled in, schedules parse, references exist. Only Load and Validate make
// one.
type Valid struct {
	config Config
	places *report
}

// Place says where a value was given: file:line, or the variable or flag. For a key
// that was not given it is the place of the key above it.
func (v *Valid) Place(key string) string { return v.places.place(key).String() }

// Store says where evidence, judgements and badges are kept. URL is set, from
// whichever key it came.
func (v *Valid) Store() Store { return v.config.Store }

// Server says how the program is reached.
func (v *Valid) Server() Server { return v.config.Server }

// Log says what is logged and how.
func (v *Valid) Log() Log { return v.config.Log }

// Evaluation says when services are judged.
func (v *Valid) Evaluation() Evaluation { return v.config.Evaluation }

// Framework names the criteria.
func (v *Valid) Framework() Framework { return v.config.Framework }

// Exposition says what is exported beyond what always is.
func (v *Valid) Exposition() Exposition { return v.config.Exposition }

// Reviews says when operational reviews are made.
func (v *Valid) Reviews() Reviews { return v.config.Reviews }

// Incidents says how incidents are measured.
func (v *Valid) Incidents() Incidents { return v.config.Incidents }

// Exemptions are the exemptions in the order of the file, expired ones too.
func (v *Valid) Exemptions() []Exemption { return v.config.Exemptions }

// Targets are the targets in the order of the file.
func (v *Valid) Targets() []Target { return v.config.Targets }

// Catalog says what is judged. The entries are those of the configuration, with
// their Origin; entries of catalog files are added by catalog.Build.
func (v *Valid) Catalog() Catalog { return v.config.Catalog }

// Sources are the upstreams.
func (v *Valid) Sources() Sources { return v.config.Sources }

// CatalogRules say how the entries of inline services, files and discovery
// become a catalog.
func (v *Valid) CatalogRules() catalog.Rules { return v.config.catalogRules() }

func (c Config) catalogRules() catalog.Rules {
	return catalog.Rules{Sources: c.Sources.names(), Defaults: c.Catalog.Defaults, Entities: c.Catalog.Entities}
}

// SourceNames are the names that catalog entries refer to.
func (v *Valid) SourceNames() catalog.Sources { return v.config.Sources.names() }

func (s Sources) names() catalog.Sources {
	var names catalog.Sources
	for _, p := range s.PagerDuty {
		names.PagerDuty = append(names.PagerDuty, p.Name)
	}
	for _, j := range s.Jira {
		names.Jira = append(names.Jira, j.Name)
	}
	for _, p := range s.Prometheus {
		names.Prometheus = append(names.Prometheus, p.Name)
	}
	for _, p := range s.Prometheus {
		if p.ReplicaOf != "" && !slices.Contains(names.Prometheus, p.ReplicaOf) {
			names.Prometheus = append(names.Prometheus, p.ReplicaOf)
		}
	}
	return names
}

// lookup finds a variable in the environment. The last one wins, as with
// os.Getenv after os.Setenv.
func lookup(environ []string, name string) (value string, ok bool) {
	for _, entry := range environ {
		if v, found := strings.CutPrefix(entry, name+"="); found {
			value, ok = v, true
		}
	}
	return value, ok
}
