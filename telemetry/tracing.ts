/** Traces over OTLP/HTTP. Off, and nothing of it loaded, unless an endpoint is given. */
import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation, trace } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Otlp } from './otlp.js';

export interface TracingOptions {
  /** `OTEL_EXPORTER_OTLP_ENDPOINT`; undefined turns tracing off. */
  endpoint: string | undefined;
  /** `OTEL_SERVICE_NAME`, or what the process is called. */
  serviceName: string;
}

export interface SpanTarget {
  processor: SpanProcessor;
  resource: ReadableSpan['resource'];
}

/** Shorter than what a supervisor waits before it kills. */
const FLUSH_MS = 3_000;

let running: Otlp | undefined;

/**
 * Starts tracing for this process. The rest of OpenTelemetry's standard variables is read by its SDK: sampler
 * (`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`), headers (`OTEL_EXPORTER_OTLP_HEADERS`), batch sizes.
 */
export async function startTracing({ endpoint, serviceName }: TracingOptions): Promise<void> {
  if (endpoint === undefined || running !== undefined) return;
  const { createOtlp } = await import('./otlp.js');
  running = createOtlp(serviceName);
}

/** What this process traces with; undefined while it does not. */
export const tracing = (): Omit<Otlp, 'shutdown'> | undefined => running;

/** Sends what is left, for 3 s at most, and ends tracing; a collector that is away is no failure of the process. */
export async function stopTracing(onTrouble: (error: unknown) => void): Promise<void> {
  const stopped = running;
  running = undefined;
  if (stopped === undefined) return;
  trace.disable();
  context.disable();
  propagation.disable();
  await Promise.race([stopped.shutdown().catch(onTrouble), sleep(FLUSH_MS, undefined, { ref: false })]);
}
