/**
 * Traces of workflows. Runs in the sandbox, so: no Node built-ins, no random numbers, and **no turn of the microtask queue
 * on the way**: each interceptor calls `next` at once and returns its very promise. So a history that was recorded with
 * these interceptors replays without them, and the other way round (docs/decisions/0032-figures.md).
 */
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { proxySinks, type WorkflowInterceptorsFactory, workflowInfo } from '@temporalio/workflow';
import { formatTraceParent, parseTraceParent, spanIdOf, type TraceParent } from './trace-context.js';
import { type SpanSinks, TRACE_HEADER, type WorkflowSpan } from './workflow-spans.js';

type Headers = Record<string, Payload>;

const { spans } = proxySinks<SpanSinks>();

export const interceptors: WorkflowInterceptorsFactory = () => {
  const { runId, workflowType } = workflowInfo();
  /** The workflow's own span; undefined where it was started outside of any trace. */
  let own: TraceParent | undefined;
  let count = 0;

  function childOf(parent: TraceParent): TraceParent {
    count += 1;
    return { ...parent, spanId: spanIdOf(`${runId}/${count}`) };
  }

  /** Sends the span once `work` has settled, beside the workflow's own promises. */
  function follow(
    span: TraceParent,
    of: Pick<WorkflowSpan, 'name' | 'kind' | 'parentSpanId'>,
    work: () => Promise<unknown>,
  ): void {
    if (!span.isSampled) return;
    const { traceId, spanId } = span;
    const startMs = Date.now();
    const end = (error?: unknown): void => {
      const failed = error === undefined ? {} : { error: typeOf(error) };
      spans.end({ ...of, traceId, spanId, startMs, endMs: Date.now(), ...failed });
    };
    work().then(() => end(), end);
  }

  /** Calls `next` with the headers of a new span below the workflow's; without a trace, with those that are there. */
  function traced<Input extends { headers: Headers }, Output>(
    name: string,
    input: Input,
    next: (input: Input) => Output,
    settled: (output: Output) => Promise<unknown>,
  ): Output {
    if (own === undefined) return next(input);
    const span = childOf(own);
    const output = next({ ...input, headers: { ...input.headers, ...headerOf(span) } });
    follow(span, { name, kind: 'client', parentSpanId: own.spanId }, () => settled(output));
    return output;
  }

  function handled(name: string, headers: Headers, work: Promise<unknown>): void {
    const parent = parentIn(headers);
    if (parent !== undefined)
      follow(childOf(parent), { name, kind: 'server', parentSpanId: parent.spanId }, () => work);
  }

  return {
    inbound: [
      {
        execute(input, next) {
          const parent = parentIn(input.headers);
          if (parent === undefined) return next(input);
          own = childOf(parent);
          const result = next(input);
          follow(
            own,
            { name: `RunWorkflow:${workflowType}`, kind: 'server', parentSpanId: parent.spanId },
            () => result,
          );
          return result;
        },
        handleSignal(input, next) {
          const result = next(input);
          handled(`HandleSignal:${input.signalName}`, input.headers, result);
          return result;
        },
        handleUpdate(input, next) {
          const result = next(input);
          handled(`HandleUpdate:${input.name}`, input.headers, result);
          return result;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => traced(`StartActivity:${input.activityType}`, input, next, (done) => done),
        startChildWorkflowExecution: (input, next) =>
          traced(`StartChildWorkflow:${input.workflowType}`, input, next, (started) => started.then(([id]) => id)),
        signalWorkflow: (input, next) => traced(`SignalWorkflow:${input.signalName}`, input, next, (done) => done),
      },
    ],
  };
};

function parentIn(headers: Headers): TraceParent | undefined {
  const payload = headers[TRACE_HEADER];
  if (payload === undefined) return undefined;
  return parseTraceParent(defaultPayloadConverter.fromPayload<{ traceparent?: unknown }>(payload).traceparent);
}

const headerOf = (span: TraceParent): Headers => ({
  [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent: formatTraceParent(span) }),
});

/** A failure's class, or the code of ours within it; never its message. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { type } = (error.cause ?? error) as { type?: unknown };
  return typeof type === 'string' ? type : error.name;
}
