/** What crosses from the workflow sandbox to the process: loaded on both sides, so: no Node built-ins. */
import type { Sinks } from '@temporalio/workflow';

export interface WorkflowSpan {
  name: string;
  kind: 'internal' | 'client' | 'server';
  traceId: string;
  spanId: string;
  parentSpanId: string;
  /** Milliseconds since 1970, by the workflow's clock. */
  startMs: number;
  endMs: number;
  /** The error's type, where it failed. */
  error?: string;
}

export interface SpanSinks extends Sinks {
  spans: { end(span: WorkflowSpan): void };
}

/** The header of `@temporalio/interceptors-opentelemetry`, which the client and the activities read and write. */
export const TRACE_HEADER = '_tracer-data';
