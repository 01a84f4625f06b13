import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OtlpCollector, startOtlpCollector } from '../test/support/otlp-collector.js';
import { activityInterceptors, clientInterceptors } from './interceptors.js';
import { logFields, withLogFields } from './log-context.js';
import { currentTraceParent, inSpan } from './spans.js';
import { startTracing, stopTracing, tracing } from './tracing.js';
import { workflowSinks } from './workflow-sink.js';

const noTrouble = (error: unknown): never => {
  throw error;
};

let collector: OtlpCollector;
beforeEach(async () => {
  collector = await startOtlpCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
});
afterEach(async () => {
  await stopTracing(noTrouble);
  vi.unstubAllEnvs();
  await collector.close();
});

const outer = (): Promise<string | undefined> =>
  inSpan('outer', {}, () => inSpan('inner', {}, async () => currentTraceParent()));

describe('tracing', () => {
  it('is off without an endpoint: nothing is recorded, and nobody is given anything to do', async () => {
    await startTracing({ endpoint: undefined, serviceName: 'a test' });
    expect(tracing()).toBeUndefined();
    expect(await outer()).toBeUndefined();
    expect(clientInterceptors()).toEqual({});
    expect(workflowSinks()).toBeUndefined();
    expect(activityInterceptors({ info: noTrouble, warn: noTrouble })).toHaveLength(1);
    await stopTracing(noTrouble);
    expect(collector.received()).toBe('');
  });

  it('sends what is left when it ends', async () => {
    await startTracing({ endpoint: collector.url, serviceName: 'a test' });
    const parent = await outer();
    await stopTracing(noTrouble);
    const [inner, first] = collector.spans;
    expect(inner).toMatchObject({ service: 'a test', name: 'inner', parentSpanId: first?.spanId });
    expect(first).toMatchObject({ name: 'outer', parentSpanId: '', traceId: inner?.traceId });
    expect(parent).toBe(`00-${inner?.traceId}-${inner?.spanId}-01`);
  });

  it('takes the sampler from the environment', async () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off');
    await startTracing({ endpoint: collector.url, serviceName: 'a test' });
    await outer();
    await stopTracing(noTrouble);
    expect(collector.spans).toEqual([]);
  });

  it('tells of a failure its kind and not its words', async () => {
    await startTracing({ endpoint: collector.url, serviceName: 'a test' });
    await expect(inSpan('failing', {}, () => Promise.reject(new TypeError('a secret')))).rejects.toThrow('a secret');
    await stopTracing(noTrouble);
    expect(collector.spans).toMatchObject([{ name: 'failing', status: 2, attributes: { 'error.type': 'TypeError' } }]);
    expect(collector.received()).not.toContain('a secret');
  });

  it('gives log lines its ids', async () => {
    await startTracing({ endpoint: collector.url, serviceName: 'a test' });
    const fields = await withLogFields({ jobId: 'job-1' }, () => inSpan('logging', {}, async () => logFields()));
    await stopTracing(noTrouble);
    const [span] = collector.spans;
    expect(fields).toEqual({ jobId: 'job-1', traceId: span?.traceId, spanId: span?.spanId });
    expect(logFields()).toEqual({});
  });
});
