/** What every log line says beside its own fields: on whose behalf the code runs. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isSpanContextValid, trace } from '@opentelemetry/api';

export type LogFields = Readonly<Record<string, string | number>>;

const storage = new AsyncLocalStorage<LogFields>();

/** Runs `work` so that all its lines, and those of what it starts, have these fields too. */
export function withLogFields<T>(fields: LogFields, work: () => T): T {
  return storage.run({ ...storage.getStore(), ...fields }, work);
}

/** The fields of the running work, and the ids of the trace where it is recorded. */
export function logFields(): Record<string, string | number> {
  const span = trace.getActiveSpan()?.spanContext();
  const ids = span !== undefined && isSpanContextValid(span) ? { traceId: span.traceId, spanId: span.spanId } : {};
  return { ...storage.getStore(), ...ids };
}
