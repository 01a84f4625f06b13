/** Traces over OTLP/HTTP. Off, and nothing of it loaded into workflows, unless an endpoint is given. */
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';

export interface TracingOptions {
  /** `OTEL_EXPORTER_OTLP_ENDPOINT`; undefined turns tracing off. */
  endpoint: string | undefined;
  /** `OTEL_SERVICE_NAME`, or what the process is called. */
  serviceName: string;
}

interface Tracing {
  provider: BasicTracerProvider;
  processor: SpanProcessor;
  resource: Resource;
}

let running: Tracing | undefined;

/**
 * Starts tracing for this process. The rest of OpenTelemetry's standard variables is read by its SDK: sampler
 * (`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`), headers (`OTEL_EXPORTER_OTLP_HEADERS`), batch sizes.
 */
export function startTracing({ endpoint, serviceName }: TracingOptions): void {
  if (endpoint === undefined || running !== undefined) return;
  const resource = Resource.default().merge(new Resource({ 'service.name': serviceName }));
  const processor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  // Sets the propagators of OTEL_PROPAGATORS: W3C trace context and baggage.
  provider.register({ contextManager: new AsyncLocalStorageContextManager().enable() });
  running = { provider, processor, resource };
}

export const isTracing = (): boolean => running !== undefined;

/** Where spans go that were not made by the SDK of this process: those of workflows. */
export function spanTarget(): Pick<Tracing, 'processor' | 'resource'> | undefined {
  return running;
}

/** Sends what is left and ends tracing; a collector that is away is no failure of the process. */
export async function stopTracing(onTrouble: (error: unknown) => void): Promise<void> {
  const { provider } = running ?? {};
  running = undefined;
  trace.disable();
  context.disable();
  propagation.disable();
  await provider?.shutdown().catch(onTrouble);
}
