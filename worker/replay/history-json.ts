/** Histories as files: from the Web UI, from `temporal workflow show --output json`, and those that are committed here. */
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';
import { patchProtobufRoot } from '@temporalio/proto/lib/patch-protobuf-root.js';
import type { Type } from 'protobufjs';
import { ReelwrightError } from '../../domain/errors.js';
import type { RecordedHistory } from './replay-histories.js';

type Json = Record<string, unknown>;

const root = patchProtobufRoot(proto as unknown as Record<string, unknown>) as unknown as {
  lookupType(name: string): Type;
};
const EVENT = root.lookupType('temporal.api.history.v1.HistoryEvent');
const PAYLOAD = '.temporal.api.common.v1.Payload';
const PAYLOADS = '.temporal.api.common.v1.Payloads';

/**
 * Reads a history from JSON text: `{"events": [...]}` or the list of events alone, with enums in either spelling, with
 * payloads as they are or as the values that the Web UI and the CLI show in their place. Throws VALIDATION_FAILED that
 * names `source`.
 */
export function readHistory(text: string, source: string): RecordedHistory {
  const refuse = (seen: string, cause?: unknown): ReelwrightError =>
    new ReelwrightError('VALIDATION_FAILED', `${source}: expected the events of a workflow as JSON, got ${seen}`, {
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refuse('something else', error);
  }
  const events = Array.isArray(json) ? json : (json as { events?: unknown } | null)?.events;
  if (!Array.isArray(events) || events.length === 0) throw refuse('no events');
  let history: History;
  try {
    history = historyFromJSON({ events: events.map((event) => withPayloads(EVENT, event)) });
  } catch (error) {
    throw refuse((error as Error).message, error);
  }
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  if (started == null) throw refuse('a first event that is not the start');
  return { workflowId: started.workflowId || source, history };
}

/** The same message with each payload as it is stored, where a tool has put its value. */
function withPayloads(type: Type, json: unknown): unknown {
  if (type.fullName === PAYLOAD) return asPayload(json);
  if (type.fullName === PAYLOADS) {
    const values = Array.isArray(json) ? json : (json as { payloads?: unknown[] } | null)?.payloads;
    return { payloads: (values ?? []).map(asPayload) };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  const fields = type.fields;
  return Object.fromEntries(
    Object.entries(json as Json).map(([name, value]) => {
      const field = fields[name]?.resolve();
      const inner = field?.resolvedType;
      if (field === undefined || inner == null || !('fields' in inner)) return [name, value];
      if (field.map) {
        const entries = Object.entries((value ?? {}) as Json);
        return [name, Object.fromEntries(entries.map(([key, entry]) => [key, withPayloads(inner, entry)]))];
      }
      if (field.repeated) return [name, (value as unknown[]).map((entry) => withPayloads(inner, entry))];
      return [name, value === null ? null : withPayloads(inner, value)];
    }),
  );
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function asPayload(value: unknown): unknown {
  if (isPayload(value)) return value;
  if (value === null || value === undefined) return { metadata: { encoding: base64('binary/null') } };
  return { metadata: { encoding: base64('json/plain') }, data: base64(JSON.stringify(value)) };
}

const isPayload = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'metadata' in value &&
  typeof (value.metadata as { encoding?: unknown } | null)?.encoding === 'string';
