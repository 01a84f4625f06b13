import { type Span, SpanKind } from '@opentelemetry/api';
import { providerRequestSeconds } from '../telemetry/metrics.js';
import { ATTRIBUTES, failSpan, inSpan } from '../telemetry/spans.js';
import type { Exchange } from './exchange.js';

/**
 * A request to the provider's API as a span and a figure: its method, route template, status and the prediction's id.
 * Neither has the request's headers, where the token stands, nor its body, where the prompt stands.
 */
export async function observeExchange(url: URL, method: string, send: () => Promise<Exchange>): Promise<Exchange> {
  const { route, predictionId } = templateOf(url.pathname);
  const attributes = {
    'http.request.method': method,
    'server.address': url.hostname,
    'url.template': route,
    ...(predictionId !== undefined && { [ATTRIBUTES.predictionId]: predictionId }),
  };
  return await inSpan(`${method} ${route}`, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    const started = performance.now();
    const exchange = await send();
    const status = exchange.answered ? String(exchange.status) : 'none';
    providerRequestSeconds.observe({ method, route, status }, (performance.now() - started) / 1000);
    if (span.isRecording()) tell(span, exchange, predictionId === undefined && route.endsWith('/predictions'));
    return exchange;
  });
}

/** `/v1/models/google/veo-3/predictions` is `/models/:owner/:name/predictions`: figures must not grow with ids. */
function templateOf(path: string): { route: string; predictionId?: string } {
  const rest = path.replace(/^.*?\/v1(?=\/)/, '');
  const one = /^\/predictions\/([^/]+)(\/cancel)?$/.exec(rest);
  if (one?.[1] !== undefined) return { route: `/predictions/:id${one[2] ?? ''}`, predictionId: one[1] };
  return {
    route: /^\/models\/[^/]+\/[^/]+\/predictions$/.test(rest) ? '/models/:owner/:name/predictions' : known(rest),
  };
}

const KNOWN = new Set(['/predictions', '/files', '/webhooks/default/secret']);
const known = (path: string): string => (KNOWN.has(path) ? path : 'other');

function tell(span: Span, exchange: Exchange, makesPrediction: boolean): void {
  if (!exchange.answered) return failSpan(span, exchange.failure);
  span.setAttribute('http.response.status_code', exchange.status);
  if (exchange.status >= 400) failSpan(span, Object.assign(new Error(), { code: String(exchange.status) }));
  const id = makesPrediction ? idIn(exchange.body) : undefined;
  if (id !== undefined) span.setAttribute(ATTRIBUTES.predictionId, id);
}

function idIn(body: string): string | undefined {
  try {
    const { id } = JSON.parse(body) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    // What is no JSON is classified by whoever reads the answer.
    return undefined;
  }
}
