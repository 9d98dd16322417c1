package company

import (
	"fmt"
	"sort"
	"strings"
)

// teamEntry is a line of the roster of teams.
type teamEntry struct{ name, title, org, zone, project string }

// teamRoster is the company's organisation: three orgs of four teams.
func teamRoster() []teamEntry {
	return []teamEntry{
		{"storefront", "Storefront", "commerce", "Europe/Berlin", "STO"},
		{"ordering", "Ordering", "commerce", "Europe/Berlin", "ORD"},
		{"discovery", "Search and Discovery", "commerce", "Europe/Lisbon", "DIS"},
		{"fulfilment", "Fulfilment", "commerce", "America/New_York", "FUL"},
		{"payments", "Payments", "money", "Europe/Dublin", "PAY"},
		{"ledger", "Ledger", "money", "Europe/Dublin", "LED"},
		{"risk", "Risk", "money", "America/New_York", "RSK"},
		{"accounts", "Accounts", "money", "Asia/Kolkata", "ACC"},
		{"edge", "Edge", "platform", "America/Los_Angeles", "EDG"},
		{"data-platform", "Data Platform", "platform", "Asia/Kolkata", "DAT"},
		{"developer-tools", "Developer Tools", "platform", "Europe/Berlin", "DEV"},
		{"communications", "Communications", "platform", "Australia/Sydney", "COM"},
	}
}

// serviceEntry is a line of the roster of services.
type serviceEntry struct {
	name, team string
	tier       int
	runtime    string
	external   bool
	stateful   bool
	data       string
	dependsOn  string
}

// serviceRoster is what the company runs, four services per team.
func serviceRoster() []serviceEntry {
	const k8s, vm, fn = "kubernetes", "vm", "serverless"
	return []serviceEntry{
		{"web-storefront", "storefront", 1, k8s, true, false, "public", "product-catalog"},
		{"mobile-bff", "storefront", 1, k8s, true, false, "internal", "order-api"},
		{"cart", "storefront", 2, k8s, false, true, "internal", "redis-cart"},
		{"wishlist", "storefront", 4, k8s, false, true, "personal", "postgres-shop"},
		{"checkout", "ordering", 1, k8s, true, true, "personal", "payments-api"},
		{"order-api", "ordering", 1, k8s, false, true, "personal", "postgres-orders"},
		{"order-history", "ordering", 2, k8s, false, true, "personal", "postgres-orders"},
		{"promotions", "ordering", 2, k8s, false, true, "internal", "redis-promo"},
		{"search-api", "discovery", 2, k8s, true, false, "public", "opensearch"},
		{"search-indexer", "discovery", 3, k8s, false, false, "internal", "event-bus"},
		{"recommendations", "discovery", 3, k8s, false, true, "personal", "feature-store"},
		{"product-catalog", "discovery", 2, k8s, false, true, "public", "postgres-catalog"},
		{"inventory", "fulfilment", 2, k8s, false, true, "internal", "postgres-stock"},
		{"shipping-rates", "fulfilment", 2, fn, true, false, "public", "carrier API"},
		{"warehouse-sync", "fulfilment", 3, vm, false, true, "internal", "warehouse ERP"},
		{"returns", "fulfilment", 3, k8s, false, true, "personal", "order-api"},
		{"payments-api", "payments", 1, k8s, true, true, "cardholder", "payments-gateway"},
		{"payments-gateway", "payments", 1, k8s, false, false, "cardholder", "card network"},
		{"payout-runner", "payments", 2, k8s, false, true, "confidential", "bank transfer API"},
		{"payment-methods", "payments", 2, k8s, false, true, "cardholder", "token vault"},
		{"payments-ledger", "ledger", 1, k8s, false, true, "confidential", "postgres-ledger"},
		{"invoicing", "ledger", 2, k8s, false, true, "personal", "payments-ledger"},
		{"tax-calculator", "ledger", 2, k8s, false, false, "internal", "tax tables"},
		{"reconciliation", "ledger", 3, vm, false, true, "confidential", "bank statements"},
		{"fraud-scoring", "risk", 1, k8s, false, true, "personal", "feature-store"},
		{"chargebacks", "risk", 3, k8s, false, true, "cardholder", "card network"},
		{"sanctions-screening", "risk", 2, k8s, false, true, "personal", "sanctions list"},
		{"risk-console", "risk", 4, k8s, false, false, "confidential", "fraud-scoring"},
		{"login", "accounts", 1, k8s, true, true, "personal", "session store"},
		{"user-profile", "accounts", 2, k8s, false, true, "personal", "postgres-users"},
		{"consent-store", "accounts", 2, k8s, false, true, "personal", "postgres-users"},
		{"loyalty", "accounts", 3, k8s, false, true, "personal", "order-history"},
		{"api-gateway", "edge", 1, k8s, true, false, "none", "login"},
		{"cdn-config", "edge", 3, k8s, false, false, "none", "cdn API"},
		{"image-resizer", "edge", 3, fn, true, false, "public", "object store"},
		{"feature-flags", "edge", 2, k8s, false, true, "internal", "redis-flags"},
		{"event-bus", "data-platform", 1, k8s, false, true, "confidential", "kafka"},
		{"warehouse-loader", "data-platform", 3, k8s, false, true, "personal", "event-bus"},
		{"metrics-export", "data-platform", 4, k8s, false, false, "internal", "object store"},
		{"reporting-api", "data-platform", 3, k8s, false, true, "confidential", "warehouse"},
		{"build-cache", "developer-tools", 4, k8s, false, false, "none", "object store"},
		{"artifact-store", "developer-tools", 3, vm, false, true, "internal", "object store"},
		{"internal-docs", "developer-tools", 4, k8s, false, false, "internal", "git host"},
		{"sandbox-runner", "developer-tools", 4, k8s, false, false, "none", "container registry"},
		{"email-sender", "communications", 2, k8s, false, true, "personal", "mail relay"},
		{"push-notifications", "communications", 3, k8s, false, true, "personal", "push provider"},
		{"sms-gateway", "communications", 3, vm, false, false, "personal", "SMS provider"},
		{"support-inbox", "communications", 4, fn, false, true, "personal", "mail relay"},
	}
}

// regions name the copies of the roster in a company larger than it.
func regions() []string { return []string{"eu", "us", "in", "br", "jp", "au", "ca", "mx"} }

// services lists the first n services of the roster; beyond it the company has
// a copy per region, then numbered ones.
func (b *builder) services(n int) {
	roster, teams := serviceRoster(), map[string]*Team{}
	for _, t := range b.Teams {
		teams[t.Name] = t
	}
	for i := range n {
		e := roster[i%len(roster)]
		if n < len(roster) {
			// A small company has services of many teams rather than many
			// services of the first ones.
			e = roster[i*len(roster)/n]
		}
		name := e.name
		switch round := i / len(roster); {
		case round == 0:
		case round <= len(regions()):
			name += "-" + regions()[round-1]
		default:
			name += fmt.Sprintf("-%d", round)
		}
		exposure := "internal"
		if e.external {
			exposure = "external"
		}
		b.Services = append(b.Services, &Service{
			Name: name, Title: title(name), Team: teams[e.team], TeamName: e.team, Tier: e.tier,
			Runtime: e.runtime, Exposure: exposure, Stateful: e.stateful, DataClass: e.data, DependsOn: e.dependsOn,
		})
	}
	sort.Slice(b.Services, func(i, j int) bool { return b.Services[i].Name < b.Services[j].Name })
	for _, s := range b.Services {
		b.life[s.Name] = &life{}
	}
}

// title makes "Payments ledger" of payments-ledger.
func title(name string) string {
	words := strings.ReplaceAll(name, "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}
