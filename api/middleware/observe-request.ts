import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { httpRequestSeconds, httpResponseBytes } from '../../telemetry/metrics.js';
import { ATTRIBUTES } from '../../telemetry/spans.js';
import type { ApiContext, ApiMiddleware } from '../context.js';
import { WEBHOOK_PATH } from '../routes/webhooks.js';

/** What figures and spans call a request that no route takes: paths are the callers' words. */
const NO_ROUTE = 'none';

/**
 * Each request as a span and as figures, by the template of its route: no path, query or header gets into either. The
 * span goes on where the caller's trace context says; a webhook's in the trace of the purchase that it is about.
 */
export const observeRequest: ApiMiddleware = async (ctx, next) => {
  const started = performance.now();
  const { socket } = ctx.req;
  const bytesBefore = socket.bytesWritten;
  const { method } = ctx;
  const tracer = trace.getTracer('reelwright-api');
  const parent = parentOf(ctx);
  const attributes = { 'http.request.method': method };
  const span = isProbe(ctx)
    ? trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
    : tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
  ctx.res.once('close', () => {
    const { route = NO_ROUTE, jobId } = ctx.state;
    const status = ctx.res.statusCode;
    httpRequestSeconds.observe({ method, route, status: String(status) }, (performance.now() - started) / 1000);
    httpResponseBytes.inc({ route }, Math.max(0, socket.bytesWritten - bytesBefore));
    span.updateName(`${method} ${route}`);
    span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
    if (jobId !== undefined) span.setAttribute(ATTRIBUTES.jobId, jobId);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  await context.with(trace.setSpan(parent, span), next);
};

/** Asked every few seconds, by whoever keeps the process running: figures alone. */
const isProbe = (ctx: ApiContext): boolean => ctx.path.startsWith('/health/');

function parentOf(ctx: ApiContext): Context {
  const ofHeaders = propagation.extract(context.active(), ctx.headers);
  const { traceparent } = ctx.path === WEBHOOK_PATH ? ctx.query : {};
  return typeof traceparent === 'string' ? propagation.extract(context.active(), { traceparent }) : ofHeaders;
}
