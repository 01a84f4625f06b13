/** What operators see of a real job: one trace, figures under the names of the table, and log lines that say of what they are. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DemoJob } from '../../dev/demo-client.js';
import { METRICS, type MetricRow, type ProcessName } from '../../telemetry/metrics-table.js';
import { readExpressions } from '../support/observability-files.js';
import { type CollectedSpan, type OtlpCollector, startOtlpCollector } from '../support/otlp-collector.js';
import { parseMetrics, type ScrapedMetric } from '../support/prometheus-text.js';
import { readPromql } from '../support/promql.js';
import { replayAndStop } from '../support/replay-stack.js';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 240_000;
const PROMPT = 'a lighthouse made of glass';

let collector: OtlpCollector;
let stack: RunningStack;
let job: DemoJob;
let predictionId: string;
let trace: CollectedSpan[];
let scraped: Record<ProcessName, Map<string, ScrapedMetric>>;

beforeAll(async () => {
  collector = await startOtlpCollector();
  stack = await startRunningStack({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    BLOB_STORE_MAX_BYTES: '1000000000',
  });
  const clips = [{ prompt: PROMPT, durationSeconds: 4 }];
  job = await stack.until(
    (await stack.api.orderVideo({ kind: 'clips', resolution: '720p', clips })).id,
    ended,
    LIMIT_MS,
  );
  expect(job.status).toBe('completed');
  predictionId = (job.clips[0] as unknown as { predictionId: string }).predictionId;
  trace = await vi.waitFor(
    () => {
      const run = spanNamed(collector.spans, 'RunWorkflow:videoJob');
      const order = spanNamed(collector.spans, 'POST /api/v3/jobs');
      expect(order.traceId).toBe(run.traceId);
      return collector.spans.filter(({ traceId }) => traceId === run.traceId);
    },
    { timeout: 30_000, interval: 100 },
  );
  const { api, worker, mediaWorker } = stack.state().metrics;
  scraped = { api: await scrape(api), worker: await scrape(worker), 'media-worker': await scrape(mediaWorker) };
}, LIMIT_MS);
afterAll(async () => {
  await replayAndStop(stack);
  await collector.close();
}, LIMIT_MS);

async function scrape(url: string): Promise<Map<string, ScrapedMetric>> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return parseMetrics(await response.text());
}

function spanNamed(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const found = spans.find((span) => span.name === name);
  if (found === undefined)
    throw new Error(`expected a span ${name}, seen ${spans.map((span) => span.name).join(', ')}`);
  return found;
}

/** The names from the first span of the trace down to this one. */
function pathTo(span: CollectedSpan): string[] {
  const parent = trace.find(({ spanId }) => spanId === span.parentSpanId);
  if (parent === undefined) expect(span.parentSpanId, `${span.name} is an orphan`).toBe('');
  return [...(parent === undefined ? [] : pathTo(parent)), `${span.service}: ${span.name}`];
}

describe('the trace of a job', () => {
  const ORDER = [
    'reelwright-api: POST /api/v3/jobs',
    'reelwright-api: StartWorkflow:videoJob',
    'reelwright-worker: RunWorkflow:videoJob',
  ];
  const CLIP = [
    ...ORDER,
    'reelwright-worker: StartChildWorkflow:generation',
    'reelwright-worker: RunWorkflow:generation',
  ];
  const BUY = [...CLIP, 'reelwright-worker: StartActivity:buy', 'reelwright-worker: RunActivity:buy'];
  const COLLECT = [
    ...CLIP,
    'reelwright-worker: StartActivity:collectOutput',
    'reelwright-media-worker: RunActivity:collectOutput',
  ];

  it('goes from the request through workflows and activities to the purchase', () => {
    const post = spanNamed(trace, 'POST /models/:owner/:name/predictions');
    expect(pathTo(post)).toEqual([...BUY, 'reelwright-worker: POST /models/:owner/:name/predictions']);
    expect(post.attributes).toMatchObject({
      'reelwright.prediction_id': predictionId,
      'http.response.status_code': 201,
    });
    const activity = spanNamed(trace, 'RunActivity:buy');
    expect(activity.attributes).toMatchObject({ 'reelwright.job_id': job.id, 'reelwright.subject': 'clip:1' });
  });

  it('holds the provider’s webhook and what it tells the workflow', () => {
    const signal = spanNamed(trace, 'HandleSignal:predictionCompleted');
    expect(pathTo(signal)).toEqual([
      ...BUY,
      'reelwright-api: POST /api/v3/webhooks/replicate',
      'reelwright-api: SignalWorkflow:predictionCompleted',
      'reelwright-worker: HandleSignal:predictionCompleted',
    ]);
  });

  it('holds the fetch, the runs of ffmpeg and what is stored', () => {
    const paths = trace.map(pathTo);
    const media = (name: string): string => `reelwright-media-worker: ${name}`;
    for (const name of ['GET output', 'ffmpeg', 'ffprobe', 'put blob']) {
      expect(paths).toContainEqual([...COLLECT, media(name)]);
    }
    const cut = [...ORDER, 'reelwright-worker: StartActivity:cutVideo', media('RunActivity:cutVideo')];
    expect(paths).toContainEqual([...cut, media('ffmpeg')]);
    expect(paths).toContainEqual([...cut, media('put blob')]);
  });

  it('holds no prompt, no token, no link, and no failure', async () => {
    const sent = collector.received();
    const { apiKey, databaseUrl } = stack.state();
    const secretKey = (await readFile(join(stack.folder, 'secret-key'), 'utf8')).trim();
    for (const secret of [PROMPT, apiKey, databaseUrl, secretKey, 'Bearer', 'token=', '/_files/']) {
      expect(sent).not.toContain(secret);
    }
    expect(trace.filter(({ status }) => status === 2)).toEqual([]);
  });
});

const PROCESSES = ['api', 'worker', 'media-worker'] as const;

describe('the figures', () => {
  it.each(PROCESSES)('of the process %s are those that the table says it has', (process) => {
    const ours = [...scraped[process]].filter(([name]) => name.startsWith('reelwright_'));
    const rows = Object.entries<MetricRow>(METRICS);
    const expected = rows.filter(([, { from }]) => from.includes('database') || from.includes(process));
    // Failures by code have a line for each code that was seen, and none without.
    const optional = ['reelwright_purchase_failures_total'];
    const names = (all: readonly [string, unknown][]): string[] =>
      all
        .map(([name]) => name)
        .filter((name) => !optional.includes(name))
        .toSorted();
    expect(names(ours)).toEqual(names(expected));
    for (const [name, { type, help, series }] of ours) {
      const row: MetricRow = METRICS[name as keyof typeof METRICS];
      expect({ name, type, help }).toEqual({ name, type: row.type, help: row.help });
      for (const { labels } of series) {
        const own = Object.keys(labels).filter((label) => label !== 'le');
        expect(own.toSorted(), name).toEqual([...row.labels].toSorted());
      }
    }
  });

  it('say what the job did', () => {
    const value = (process: ProcessName, series: string, labels: Record<string, string> = {}): number | undefined => {
      const of = scraped[process].get(series) ?? scraped[process].get(series.replace(/_(sum|count)$/, ''));
      const fits = (own: Record<string, string>): boolean =>
        Object.entries(labels).every(([label, text]) => own[label] === text);
      return of?.series.find((one) => one.name === series && fits(one.labels))?.value;
    };
    for (const process of PROCESSES) {
      expect(value(process, 'reelwright_jobs', { stage: 'completed' })).toBe(1);
      expect(value(process, 'reelwright_clips', { state: 'stored' })).toBe(1);
      expect(value(process, 'reelwright_purchases', { state: 'stored' })).toBe(1);
      expect(value(process, 'reelwright_spend_usd_total')).toBeCloseTo(job.actualCostUsd ?? Number.NaN, 6);
      expect(value(process, 'reelwright_database_up')).toBe(1);
    }
    expect(value('api', 'reelwright_webhooks_total', { outcome: 'new' })).toBe(1);
    expect(value('api', 'reelwright_webhook_lag_seconds_count')).toBe(1);
    expect(value('api', 'reelwright_http_request_duration_seconds_count', { route: '/api/v3/jobs' })).toBe(1);
    expect(value('worker', 'reelwright_activity_duration_seconds_count', { activity: 'buy' })).toBe(1);
    expect(value('media-worker', 'reelwright_webhook_to_fetch_seconds_count')).toBe(1);
    expect(value('media-worker', 'reelwright_cut_time_ratio_count')).toBe(1);
  });

  it.each(readExpressions())('that the $where asks for exist, with its labels', ({ expr, named }) => {
    const { selected, grouped } = readPromql(expr);
    for (const { metric, matchers } of selected) {
      for (const { label, operator, value } of matchers) {
        expect(labelsOf(metric), `${metric}{${label}}`).toContain(label);
        // Of these labels every value is there from the start: one that is not is a slip of the pen.
        const isKnown = ['stage', 'state', 'activity'].includes(label);
        const values = operator.includes('~') ? value.split('|') : [value];
        if (isKnown) expect([...valuesOf(metric, label)]).toEqual(expect.arrayContaining(values));
      }
    }
    for (const { label, metrics } of grouped) {
      for (const metric of metrics) expect(labelsOf(metric), `${metric} by ${label}`).toContain(label);
    }
    const all = selected.flatMap(({ metric }) => [...labelsOf(metric)]);
    expect(all).toEqual(expect.arrayContaining(named));
  });
});

/** What Prometheus adds to every target, and makes by itself. */
const OF_TARGETS = ['job', 'instance'];

/** Throws for a metric that no process serves. */
function labelsOf(series: string): Set<string> {
  if (series === 'up') return new Set(OF_TARGETS);
  const found = PROCESSES.flatMap((process) => {
    const metric = scraped[process].get(series) ?? scraped[process].get(series.replace(/_(bucket|sum|count)$/, ''));
    const isPart = metric?.type === 'histogram';
    return metric === undefined || isPart !== /_(bucket|sum|count)$/.test(series) ? [] : [metric];
  });
  const row = (METRICS as Record<string, MetricRow>)[series.replace(/_(bucket|sum|count)$/, '')];
  const isOptional = series === 'reelwright_purchase_failures_total';
  expect(found.length > 0 || isOptional, `no process serves ${series}`).toBe(true);
  const seen = found.flatMap((metric) => metric.series.filter(({ name }) => name === series));
  return new Set([...OF_TARGETS, ...(row?.labels ?? []), ...seen.flatMap(({ labels }) => Object.keys(labels))]);
}

function valuesOf(series: string, label: string): Set<string> {
  const all = PROCESSES.flatMap((process) => scraped[process].get(series)?.series ?? []);
  return new Set(all.flatMap(({ labels }) => labels[label] ?? []));
}

describe('the log', () => {
  const lines = async (part: string): Promise<Record<string, unknown>[]> =>
    (await readFile(join(stack.folder, 'logs', `${part}.log`), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('is one JSON line for each event, which names job, clip, prediction, workflow and trace', async () => {
    const [{ traceId } = { traceId: '' }] = trace;
    const about = {
      jobId: job.id,
      subject: 'clip:1',
      workflowId: `video-job-${job.id}-clip-01`,
      attempt: 1,
      traceId,
    };
    const worker = await lines('worker');
    expect(worker).toContainEqual(expect.objectContaining({ ...about, predictionId, activity: 'buy', msg: 'bought' }));
    const media = await lines('mediaWorker');
    const stored = { ...about, predictionId, activity: 'collectOutput' };
    expect(media).toContainEqual(expect.objectContaining({ ...stored, msg: 'stored' }));
    expect(media).toContainEqual(expect.objectContaining({ ...stored, msg: 'activity', outcome: 'completed' }));
    const api = await lines('api');
    const request = { traceId, jobId: job.id, route: '/api/v3/jobs', method: 'POST', status: 202, msg: 'request' };
    expect(api).toContainEqual(expect.objectContaining(request));
    const webhook = { traceId, jobId: job.id, subject: 'clip:1', predictionId, msg: 'webhook' };
    expect(api).toContainEqual(expect.objectContaining(webhook));
  });

  it('holds no prompt and no key', async () => {
    const { apiKey } = stack.state();
    for (const part of ['api', 'worker', 'mediaWorker']) {
      const text = JSON.stringify(await lines(part));
      for (const secret of [PROMPT, apiKey, 'Bearer ']) expect(text).not.toContain(secret);
    }
  });
});
