import { type Attributes, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

const tracer = () => trace.getTracer('reelwright');

/** Names of what our spans say, beside the semantic conventions of OpenTelemetry. Never a prompt, a token or a link. */
export const ATTRIBUTES = {
  jobId: 'reelwright.job_id',
  subject: 'reelwright.subject',
  predictionId: 'reelwright.prediction_id',
  blobBytes: 'reelwright.blob_bytes',
} as const;

export interface SpanOptions {
  kind?: SpanKind;
  attributes?: Attributes;
}

/** Runs `work` as a span of the running trace; its failure is the span's. Costs next to nothing while nothing is traced. */
export async function inSpan<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  const { kind = SpanKind.INTERNAL, attributes = {} } = options;
  const span = tracer().startSpan(name, { kind, attributes });
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Says that a span failed: the kind of error alone, since messages of others may quote what must not be told. */
export function failSpan(span: Span, error: unknown): void {
  const type = errorType(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
  span.setAttribute('error.type', type);
}

/** A code where the error has one, else its class. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code, type } = error as { code?: unknown; type?: unknown };
  if (typeof code === 'string') return code;
  return typeof type === 'string' ? type : error.name;
}

/** The running trace as a `traceparent` (W3C Trace Context); undefined while nothing is traced. */
export function currentTraceParent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}
