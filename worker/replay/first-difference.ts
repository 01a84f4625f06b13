import type { Activation } from './observed-worker.js';
import { askedSteps, describeStep, type HistoryEvent, isSameStep, recordedSteps } from './steps.js';

/** Where a replay left the history. */
export interface Difference {
  /** Where the history goes another way than the code; null where that could not be told. */
  eventId: number | null;
  /** What the history has there. */
  history: string;
  /** What the code did. */
  code: string;
  /** Where in the sources the code threw; null where it did not. */
  source: string | null;
  /** The SDK's own words. */
  said: string;
}

/**
 * Compares what the history records for the last workflow task that the code answered with what the code asked for. `last`
 * is all activations of that task.
 */
export function firstDifference(
  events: readonly HistoryEvent[],
  last: readonly Activation[],
  message: string,
): Difference {
  const said = wordsOf(message);
  const threw = last.find(({ failure }) => failure !== undefined)?.failure;
  const seenUpTo = last[0]?.historyLength ?? 0;
  // What was seen ends with the start of the task; its completion is the next event.
  const recorded = recordedSteps(events, seenUpTo + 1);
  if (threw !== undefined) {
    return {
      eventId: seenUpTo,
      history: recorded.map(describeStep).join(', ') || 'nothing more',
      code: `threw ${threw.message}`,
      source: sourceOf(threw.stackTrace),
      said,
    };
  }
  const asked = askedSteps(last.flatMap(({ commands }) => commands));
  const length = Math.max(recorded.length, asked.length);
  for (let index = 0; index < length; index += 1) {
    const [inHistory, inCode] = [recorded[index], asked[index]];
    if (inHistory !== undefined && inCode !== undefined && isSameStep(inHistory, inCode)) continue;
    return {
      eventId: inHistory?.eventId ?? recorded.at(-1)?.eventId ?? seenUpTo + 1,
      history: inHistory === undefined ? `nothing more after ${after(recorded)}` : describeStep(inHistory),
      code: inCode === undefined ? `nothing more after ${after(asked)}` : describeStep(inCode),
      source: null,
      said,
    };
  }
  // Both agree so far: what follows does not fit what the code waits for.
  const next = events.find(({ eventId }) => Number(eventId) > (recorded.at(-1)?.eventId ?? seenUpTo + 1));
  return {
    eventId: next === undefined ? null : Number(next.eventId),
    history: 'an event that the code does not wait for',
    code: `waits after ${after(asked)}`,
    source: null,
    said,
  };
}

/** The SDK's error holds the server-side form of the failure, of which one field is for people. */
const wordsOf = (message: string): string => /Failure \{ message: "((?:[^"\\]|\\.)*)"/.exec(message)?.[1] ?? message;

const after = (steps: readonly { kind: string; name: string }[]): string => {
  const last = steps.at(-1);
  return last === undefined ? 'the events before' : describeStep(last);
};

/** The first frame in workflow code of ours; else the first one at all. */
function sourceOf(stackTrace: string): string | null {
  const frames = stackTrace
    .split('\n')
    .flatMap((line) => /\(?((?:\/|[\w.-]+\/)[^\s()]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? []);
  return frames.find((frame) => /(^|\/)(workflows|domain)\//.test(frame)) ?? frames[0] ?? null;
}
