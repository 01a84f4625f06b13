/** The files of Prometheus and Grafana by themselves; that their names exist is test/e2e/observability.test.ts. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findOnPath } from '../../dev/install/find-on-path.js';
import { METRICS, type MetricRow } from '../../telemetry/metrics-table.js';
import {
  PROMETHEUS_FOLDER,
  readAlerts,
  readDashboard,
  readDatasources,
  readExpressions,
  readScrapeJobs,
} from '../support/observability-files.js';
import { readPromql } from '../support/promql.js';

const run = promisify(execFile);
const promtool = await findOnPath('promtool', process.env['PATH']);
const text = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the alerts', () => {
  it('have each its own name, and the runbook’s table leads from each to the section that the alert names', async () => {
    const alerts = readAlerts();
    const rows = [...(await text('docs/operations.md')).matchAll(/^\| (`[A-Z][a-z].*) \| (\[.*) \|$/gm)];
    const led = rows.flatMap(([, names = '', sections = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => ({ name, sections })),
    );
    expect(led.map(({ name }) => name).toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
    for (const { alert, annotations } of alerts) {
      const anchor = annotations['runbook_url']?.split('#')[1];
      expect(led.find(({ name }) => name === alert)?.sections, alert).toContain(`](#${anchor})`);
    }
  });

  it('say how bad it is, what it is, and which section of the runbook helps', async () => {
    const runbook = await text('docs/operations.md');
    const anchors = new Set([...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title)));
    for (const { alert, labels, annotations } of readAlerts()) {
      expect(['critical', 'warning', 'info'], alert).toContain(labels['severity']);
      expect(annotations['summary'], alert).toMatch(/\S/);
      expect(annotations['description'], alert).toMatch(/\S/);
      const [file, anchor = ''] = (annotations['runbook_url'] ?? '').split('#');
      expect(file, alert).toBe('docs/operations.md');
      expect(anchors.has(anchor), `${alert}: no section ${anchor}`).toBe(true);
    }
  });

  it('have a unit test each', async () => {
    const tests = await text('deploy/prometheus/alerts.test.yml');
    for (const { alert } of readAlerts()) expect(tests, alert).toContain(`alertname: ${alert}\n`);
  });

  it.skipIf(promtool === undefined)(
    'and the configuration are what Prometheus takes, and the unit tests pass',
    async () => {
      const tool = promtool ?? '';
      const options = { cwd: PROMETHEUS_FOLDER };
      await run(tool, ['check', 'config', 'prometheus.yml'], options);
      await run(tool, ['test', 'rules', 'alerts.test.yml'], options);
    },
  );
});

describe('the dashboard', () => {
  const { panels } = readDashboard();

  it('reads the data source that is provisioned', () => {
    const uids = panels.flatMap(({ datasource, targets = [] }) => [
      datasource,
      ...targets.map((one) => one.datasource),
    ]);
    const used = new Set(uids.flatMap((one) => (one === undefined ? [] : [one.uid])));
    expect([...used]).toEqual(readDatasources().map(({ uid }) => uid));
  });

  it('has panels that do not lie over each other, with ids of their own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('shows every figure of ours', () => {
    const asked = new Set(
      readExpressions().flatMap(({ expr }) => readPromql(expr).selected.map(({ metric }) => metric)),
    );
    const shown = [...asked].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    const rest = Object.keys(METRICS).filter((name) => !shown.includes(name));
    expect(rest).toEqual([]);
  });
});

describe('the scrapes', () => {
  it('are of the processes that the alerts name', () => {
    const jobs = readScrapeJobs();
    const asked = readExpressions().flatMap(({ expr }) =>
      readPromql(expr).selected.flatMap(({ matchers }) => matchers),
    );
    const named = asked.filter(({ label, operator }) => label === 'job' && operator === '=').map(({ value }) => value);
    expect(jobs).toEqual(expect.arrayContaining([...new Set(named)]));
    expect(new Set(named)).toEqual(
      new Set(['reelwright-api', 'reelwright-worker', 'reelwright-media-worker', 'temporal']),
    );
  });
});

describe('docs/observability.md', () => {
  it('has the table of all figures', async () => {
    const document = await text('docs/observability.md');
    const rows = Object.entries<MetricRow>(METRICS).map(
      ([name, { type, labels, from, help }]) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${from.join(', ')} | ${help} |`,
    );
    const shown = document.split('\n').filter((line) => line.startsWith('| `reelwright_'));
    expect(shown).toEqual(rows);
  });
});

const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replace(/\s/g, '-');
