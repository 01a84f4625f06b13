/** The files of Prometheus and Grafana, and what their expressions ask for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));

export const PROMETHEUS_FOLDER = join(DEPLOY, 'prometheus');

export interface AlertRule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface Panel {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { expr: string; legendFormat: string; datasource: { uid: string } }[];
}

const yaml = (path: string): unknown => parse(readFileSync(join(DEPLOY, path), 'utf8'));

export const readAlerts = (): AlertRule[] =>
  (yaml('prometheus/alerts.yml') as { groups: { rules: AlertRule[] }[] }).groups.flatMap(({ rules }) => rules);

export const readDashboard = (): { uid: string; title: string; panels: Panel[] } =>
  JSON.parse(readFileSync(join(DEPLOY, 'grafana/dashboards/reelwright.json'), 'utf8')) as never;

interface ScrapeConfig {
  job_name: string;
  dns_sd_configs: { names: string[] }[];
}

const readScrapeConfigs = (): ScrapeConfig[] =>
  (yaml('prometheus/prometheus.yml') as { scrape_configs: ScrapeConfig[] }).scrape_configs;

export const readScrapeJobs = (): string[] => readScrapeConfigs().map(({ job_name: name }) => name);

/** The names that are resolved to what is scraped. */
export const readScrapedHosts = (): string[] =>
  readScrapeConfigs().flatMap(({ dns_sd_configs: found }) => found.flatMap(({ names }) => names));

export const readDatasources = (): { uid: string; type: string }[] =>
  (yaml('grafana/provisioning/datasources/prometheus.yml') as { datasources: { uid: string; type: string }[] })
    .datasources;

/** Every expression with the labels that its text names: `{{ $labels.job }}`, `{{model}}`. */
export function readExpressions(): { where: string; expr: string; named: string[] }[] {
  const alerts = readAlerts().map(({ alert, expr, annotations }) => ({
    where: `alert ${alert}`,
    expr,
    named: Object.values(annotations).flatMap((text) =>
      [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label),
    ),
  }));
  const panels = readDashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      where: `panel ${title}`,
      expr,
      named: [...legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label),
    })),
  );
  return [...alerts, ...panels];
}
