package catalog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/catalog"
)

const integrationKey = "0123456789abcdef0123456789abcdef"

// A key is shown by its last characters, whatever prints it and however deep it is.
func TestIntegrationKeysAreNotShown(t *testing.T) {
	ref := catalog.PagerDutyRef{IntegrationKey: catalog.NewIntegrationKey(" " + integrationKey + "\n")}
	service := catalog.Service{Name: "checkout", PagerDuty: []catalog.PagerDutyRef{ref}}
	hidden := struct{ s *catalog.Service }{&service}
	hiddenRef := struct{ ref catalog.PagerDutyRef }{ref}
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for i, value := range []any{ref, &ref, service, hidden, hiddenRef, ref.IntegrationKey} {
			shown[fmt.Sprint(verb, i)] = fmt.Sprintf(verb, value)
		}
	}
	text, err := json.Marshal(service)
	if err != nil {
		t.Fatal(err)
	}
	shown["json"] = string(text)
	if text, err = yaml.Marshal(service); err != nil {
		t.Fatal(err)
	}
	shown["yaml"] = string(text)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "key", ref.IntegrationKey, "service", service)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "key", ref.IntegrationKey, "service", service)
	shown["log"] = log.String()
	for how, text := range shown {
		if strings.Contains(text, integrationKey[len(integrationKey)-5:]) {
			t.Errorf("%s shows %s", how, text)
		}
	}
	for _, how := range []string{"json", "yaml", "log", "%v5"} {
		if !strings.Contains(shown[how], "…cdef") {
			t.Errorf("%s does not show the end of the key: %s", how, shown[how])
		}
	}
	if got := catalog.NewIntegrationKey("short-key").String(); got != "…" {
		t.Errorf("a short key is shown as %s", got)
	}
}

// A component may name its PagerDuty service by the key of an integration. A service id
// counts before it.
func TestComponentsMayHaveIntegrationKeys(t *testing.T) {
	key, other := catalog.NewIntegrationKey(integrationKey), catalog.NewIntegrationKey("fedcba9876543210fedcba9876543210")
	for name, c := range map[string]struct {
		annotations string
		want        []catalog.PagerDutyRef
	}{
		"a key": {
			"pagerduty.com/integration-key: " + integrationKey,
			[]catalog.PagerDutyRef{{IntegrationKey: key}},
		},
		"a key of digits": {
			"pagerduty.com/integration-key: 01234567890123456789012345678901",
			[]catalog.PagerDutyRef{{IntegrationKey: catalog.NewIntegrationKey("01234567890123456789012345678901")}},
		},
		"keys of an account": {
			"pagerduty.com/account: main, pagerduty.com/integration-key: \"" + integrationKey +
				", fedcba9876543210fedcba9876543210\"",
			[]catalog.PagerDutyRef{{Account: "main", IntegrationKey: key}, {Account: "main", IntegrationKey: other}},
		},
		"an id and a key": {
			"pagerduty.com/service-id: P1, pagerduty.com/integration-key: " + integrationKey,
			[]catalog.PagerDutyRef{{ServiceID: "P1", IntegrationKey: key}},
		},
		"two ids and a key": {
			"pagerduty.com/service-id: \"P1, P2\", pagerduty.com/integration-key: " + integrationKey,
			[]catalog.PagerDutyRef{{ServiceID: "P1", IntegrationKey: key}, {ServiceID: "P2"}},
		},
	} {
		entries := catalog.DefaultEntityRules().ParseBackstage(
			"a.yaml", []byte("kind: Component\nmetadata: {name: a, labels: {tier: \"2\"}, annotations: {"+c.annotations+"}}\n"))
		if len(entries.Services) != 1 || !reflect.DeepEqual(entries.Services[0].PagerDuty, c.want) || len(entries.Notes) > 0 {
			t.Errorf("%s: %+v, want references %+v", name, entries, c.want)
			continue
		}
		if _, err := (catalog.Rules{Sources: catalog.Sources{PagerDuty: []string{"main"}}}).Build(entries); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
