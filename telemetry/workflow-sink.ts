import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { InjectedSinks } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import { tracing } from './tracing.js';
import type { SpanSinks, WorkflowSpan } from './workflow-spans.js';

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;

/** Takes the spans of workflows out of their sandbox; none while tracing is off. */
export function workflowSinks(): InjectedSinks<SpanSinks> | undefined {
  const target = tracing()?.target;
  if (target === undefined) return undefined;
  const { processor, resource } = target;
  return {
    spans: {
      end: {
        fn: (info, span) => processor.onEnd(readable(span, info, resource)),
        callDuringReplay: false,
      },
    },
  };
}

/** Of the workflow's description ids alone: a memo may hold words of a prompt. */
function readable(span: WorkflowSpan, info: WorkflowInfo, resource: ReadableSpan['resource']): ReadableSpan {
  const { traceId, spanId, startMs, endMs, error } = span;
  return {
    name: span.name,
    kind: KINDS[span.kind],
    spanContext: () => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }),
    parentSpanId: span.parentSpanId,
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    status: error === undefined ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: error },
    attributes: { temporalWorkflowId: info.workflowId, run_id: info.runId },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationLibrary: { name: 'reelwright-workflow' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
const hrTime = (ms: number): HrTime => [Math.floor(ms / 1000), (ms % 1000) * 1e6];
