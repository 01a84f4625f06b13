/** The figures that a process counts itself; it serves those that the table says it has. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { METRICS, type MetricName, type MetricRow, type ProcessName } from './metrics-table.js';

export const registry = new Registry();

const rowOf = (name: MetricName): MetricRow => METRICS[name];

const own = new Map<MetricName, Metric>();

function noted<M extends Metric>(name: MetricName, metric: M): M {
  own.set(name, metric);
  return metric;
}

function config(name: MetricName): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
  const { help, labels } = rowOf(name);
  return { name, help, labelNames: [...labels], registers: [] };
}

const counter = (name: MetricName): Counter => noted(name, new Counter(config(name)));
const gauge = (name: MetricName): Gauge => noted(name, new Gauge(config(name)));
const histogram = (name: MetricName): Histogram =>
  noted(name, new Histogram({ ...config(name), buckets: [...(rowOf(name).buckets ?? [])] }));

export const buildInfo = gauge('reelwright_build_info');
export const httpRequestSeconds = histogram('reelwright_http_request_duration_seconds');
export const httpResponseBytes = counter('reelwright_http_response_bytes_total');
export const blobChunksRead = counter('reelwright_blob_chunks_read_total');
export const webhooks = counter('reelwright_webhooks_total');
export const webhookLagSeconds = histogram('reelwright_webhook_lag_seconds');
export const webhookToFetchSeconds = histogram('reelwright_webhook_to_fetch_seconds');
export const activitySeconds = histogram('reelwright_activity_duration_seconds');
export const activityFailures = counter('reelwright_activity_failures_total');
export const activityLastSuccess = gauge('reelwright_activity_last_success_timestamp_seconds');
export const providerRequestSeconds = histogram('reelwright_provider_request_duration_seconds');
export const toolRunSeconds = histogram('reelwright_tool_run_duration_seconds');
export const cutTimeRatio = histogram('reelwright_cut_time_ratio');

/** How many connections of a pool are used, idle, and wanted. */
export interface PoolState {
  used: number;
  idle: number;
  waiting: number;
}

/** From now on the scrape tells of the process itself (CPU, memory, event loop), of its pools and of what it counts. */
export function serveProcessFigures(process: ProcessName, pools: Readonly<Record<string, () => PoolState>>): void {
  collectDefaultMetrics({ register: registry });
  for (const [name, metric] of own) if (rowOf(name).from.includes(process)) registry.registerMetric(metric);
  const connections = new Gauge({
    ...config('reelwright_database_connections'),
    registers: [registry],
    collect() {
      for (const [pool, read] of Object.entries(pools)) {
        for (const [state, value] of Object.entries(read())) connections.set({ pool, state }, value);
      }
    },
  });
}
