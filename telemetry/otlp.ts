/** OpenTelemetry's SDK with what carries traces through Temporal; loaded by processes that trace, and by no other. */
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import { OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { SpanTarget } from './tracing.js';

export interface Otlp {
  /** Where spans go that were not made by this SDK: those of workflows. */
  target: SpanTarget;
  client: WorkflowClientInterceptor;
  activity: ActivityInterceptorsFactory;
  /** Sends what is left. */
  shutdown(): Promise<void>;
}

/** Makes the provider and registers it with OpenTelemetry's api; the exporter reads its endpoint from the environment. */
export function createOtlp(serviceName: string): Otlp {
  const resource = Resource.default().merge(new Resource({ 'service.name': serviceName }));
  const processor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  // Sets the propagators of OTEL_PROPAGATORS: W3C trace context and baggage.
  provider.register({ contextManager: new AsyncLocalStorageContextManager().enable() });
  return {
    target: { processor, resource },
    client: new OpenTelemetryWorkflowClientInterceptor(),
    activity: (context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context) }),
    shutdown: () => provider.shutdown(),
  };
}
