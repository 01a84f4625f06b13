/** Recorded histories that somebody has changed, each in one way: every one of them must fail its replay. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const HISTORIES = fileURLToPath(new URL('../histories', import.meta.url));

// oxlint-disable-next-line typescript/no-explicit-any -- events are changed in ways that no type allows
type Event = Record<string, any>;
export interface HistoryJson {
  events: Event[];
}

export const readRecorded = (file: string): HistoryJson =>
  JSON.parse(readFileSync(join(HISTORIES, file), 'utf8')) as HistoryJson;

const scheduled = ({ events }: HistoryJson, activity: string): Event => {
  const event = events.find((one) => one['activityTaskScheduledEventAttributes']?.activityType.name === activity);
  if (event === undefined) throw new Error(`expected the history to hold ${activity}`);
  return event;
};
const withField = ({ events }: HistoryJson, field: string): Event => {
  const event = events.find((one) => one[field] !== undefined);
  if (event === undefined) throw new Error(`expected the history to hold an event with ${field}`);
  return event;
};

/** Without the events that `gone` names, and numbered anew, so that nothing but their absence is wrong. */
function without({ events }: HistoryJson, gone: (event: Event) => boolean): HistoryJson {
  const kept = events.filter((event) => !gone(event));
  const numbers = new Map(kept.map((event, index) => [event['eventId'] as string, String(index + 1)]));
  const renumber = (value: Event): void => {
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === 'object' && inner !== null) renumber(inner as Event);
      else if (/eventId$/i.test(name) && numbers.has(inner as string)) value[name] = numbers.get(inner as string);
    }
  };
  kept.forEach(renumber);
  return { events: kept };
}

export interface Tampered {
  /** What was changed. */
  name: string;
  file: string;
  tamper(history: HistoryJson): HistoryJson;
  /** What the replay says of it: event, what the history has, what the code did. */
  found: { eventId: number; history: string; code: string };
}

const JOB = 'completed-by-webhook/video-job.json';
const CLIP = 'completed-by-webhook/video-job-clip-01.json';
const POLLED = 'completed-by-poll/video-job-clip-01.json';

export const TAMPERED: readonly Tampered[] = [
  {
    name: 'two activities in the other order',
    file: JOB,
    tamper(history) {
      const [cut, complete] = [scheduled(history, 'cutVideo'), scheduled(history, 'completeJob')];
      const attributes = 'activityTaskScheduledEventAttributes';
      const type = cut[attributes].activityType;
      cut[attributes].activityType = complete[attributes].activityType;
      complete[attributes].activityType = type;
      return history;
    },
    found: { eventId: 28, history: 'activity completeJob', code: 'activity cutVideo' },
  },
  {
    name: 'an activity of another name',
    file: CLIP,
    tamper(history) {
      scheduled(history, 'buy')['activityTaskScheduledEventAttributes'].activityType.name = 'buyTwice';
      return history;
    },
    found: { eventId: 11, history: 'activity buyTwice', code: 'activity buy' },
  },
  {
    name: 'an activity that is missing',
    file: CLIP,
    tamper(history) {
      const id = scheduled(history, 'buy')['eventId'] as string;
      return without(
        history,
        (event) =>
          event['eventId'] === id ||
          ['activityTaskStartedEventAttributes', 'activityTaskCompletedEventAttributes'].some(
            (field) => event[field]?.scheduledEventId === id,
          ),
      );
    },
    found: { eventId: 10, history: 'nothing more after the events before', code: 'activity buy' },
  },
  {
    name: 'an activity where there was a timer',
    file: POLLED,
    tamper(history) {
      const timer = withField(history, 'timerStartedEventAttributes');
      const { workflowTaskCompletedEventId } = timer['timerStartedEventAttributes'];
      timer['eventType'] = 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED';
      timer['activityTaskScheduledEventAttributes'] = {
        activityId: '9',
        activityType: { name: 'pollPrediction' },
        workflowTaskCompletedEventId,
      };
      delete timer['timerStartedEventAttributes'];
      return history;
    },
    found: { eventId: 17, history: 'activity pollPrediction', code: 'timer 1' },
  },
  {
    name: 'a timer that is missing',
    file: POLLED,
    tamper(history) {
      const id = withField(history, 'timerStartedEventAttributes')['eventId'] as string;
      return without(
        history,
        (event) => event['eventId'] === id || event['timerFiredEventAttributes']?.startedEventId === id,
      );
    },
    found: { eventId: 16, history: 'nothing more after the events before', code: 'timer 1' },
  },
  {
    name: 'a child that is missing',
    file: JOB,
    tamper(history) {
      const id = withField(history, 'startChildWorkflowExecutionInitiatedEventAttributes')['eventId'] as string;
      return without(
        history,
        (event) =>
          event['eventId'] === id ||
          Object.entries(event).some(
            ([field, value]) => field.startsWith('childWorkflow') && (value as Event)['initiatedEventId'] === id,
          ),
      );
    },
    found: { eventId: 12, history: 'child', code: 'child' },
  },
  {
    name: 'a child of another id',
    file: JOB,
    tamper(history) {
      const attributes = 'startChildWorkflowExecutionInitiatedEventAttributes';
      withField(history, attributes)[attributes].workflowId = 'another';
      return history;
    },
    found: { eventId: 12, history: 'child another', code: 'child' },
  },
  {
    name: 'another end',
    file: JOB,
    tamper(history) {
      const end = withField(history, 'workflowExecutionCompletedEventAttributes');
      const { workflowTaskCompletedEventId } = end['workflowExecutionCompletedEventAttributes'];
      end['eventType'] = 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED';
      end['workflowExecutionFailedEventAttributes'] = { workflowTaskCompletedEventId, failure: { message: 'no' } };
      delete end['workflowExecutionCompletedEventAttributes'];
      return history;
    },
    found: { eventId: 41, history: 'the failed end', code: 'the completed end' },
  },
];
