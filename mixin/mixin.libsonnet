// The rules, alerts and dashboards as a monitoring mixin. Everything is read from the files
// that the project generates; the addresses of _config are put in.
local grafana = {
  fleet: import '../grafana/fleet.json',
  service: import '../grafana/service.json',
  incidents: import '../grafana/incidents.json',
  team: import '../grafana/team.json',
  collector: import '../grafana/collector.json',
};
local groups = std.parseYaml(importstr '../rules/readiness.rules.yaml').groups;
local defaults = {
  // Where people reach Grafana, the pages of the collector, its documentation and the
  // runbooks of the alerts: without a slash at the end.
  grafanaUrl: 'http://127.0.0.1:3000',
  pagesUrl: 'http://127.0.0.1:9847',
  docsUrl: 'https://github.com/prodready/collector/blob/main/docs',
  runbooksUrl: 'https://github.com/prodready/collector/blob/main/rules/runbooks',
};

{
  local config = self._config,
  local constants = { pages: config.pagesUrl, docs: config.docsUrl },
  local addressed(rule) = rule {
    annotations+: {
      dashboard_url: std.strReplace(super.dashboard_url, defaults.grafanaUrl, config.grafanaUrl),
      runbook_url: std.strReplace(super.runbook_url, defaults.runbooksUrl, config.runbooksUrl),
    },
  },
  local group(name) = [
    g { rules: [if std.objectHas(r, 'alert') then addressed(r) else r for r in g.rules] }
    for g in groups
    if g.name == name
  ],

  _config+:: defaults,

  prometheusRules+:: { groups+: group('readiness.recording') },
  prometheusAlerts+:: { groups+: group('readiness.alerts') },

  grafanaDashboards+:: {
    ['readiness-' + name + '.json']: grafana[name] {
      templating+: {
        list: [
          if std.objectHas(constants, v.name) then v { query: constants[v.name] } else v
          for v in super.list
        ],
      },
    }
    for name in std.objectFields(grafana)
  },
}
