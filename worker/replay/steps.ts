/** What a history records and what code asks for, as steps that can be compared and read. */

import { defaultPayloadConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { coresdk } from '@temporalio/proto';

export type HistoryEvent = NonNullable<History['events']>[number];
type Command = coresdk.workflow_commands.IWorkflowCommand;

/** One step: `kind` and `name` are what Temporal itself compares on a replay. */
export interface Step {
  kind: string;
  name: string;
}

export interface RecordedStep extends Step {
  eventId: number;
}

/** E.g. "activity buy", "timer 3", "the workflow's end". */
export const describeStep = ({ kind, name }: Step): string => (name === '' ? kind : `${kind} ${name}`);

export const isSameStep = (a: Step, b: Step): boolean => a.kind === b.kind && a.name === b.name;

/** The steps that the history records for the workflow task whose completion is the event `completedId`. */
export function recordedSteps(events: readonly HistoryEvent[], completedId: number): RecordedStep[] {
  return events.flatMap((event, index) => {
    const step = recordedStep(event);
    if (step === undefined || taskOf(event) !== completedId) return [];
    // Temporal's own note of a patch, which follows its marker.
    const before = events[index - 1]?.markerRecordedEventAttributes?.markerName;
    if (step.kind === SEARCH_ATTRIBUTES && before === PATCH_MARKER) return [];
    return [{ ...step, eventId: Number(event.eventId) }];
  });
}

/** The steps that the code asked for, in their order. What leaves no event in a history is none. */
export const askedSteps = (commands: readonly Command[]): Step[] =>
  commands.flatMap((command) => askedStep(command) ?? []);

/** The id of the event with which the workflow task was completed that brought this event. */
function taskOf(event: HistoryEvent): number | undefined {
  for (const [field, attributes] of Object.entries(event)) {
    if (!field.endsWith('EventAttributes') || attributes === null || typeof attributes !== 'object') continue;
    if ('workflowTaskCompletedEventId' in attributes) return Number(attributes.workflowTaskCompletedEventId);
  }
  return undefined;
}

const SEARCH_ATTRIBUTES = 'search attributes';
const PATCH_MARKER = 'core_patch';
const END = { completed: 'the completed end', failed: 'the failed end', cancelled: 'the cancelled end' } as const;
const step = (kind: string, name: string | null | undefined = ''): Step => ({ kind, name: name ?? '' });

function recordedStep(event: HistoryEvent): Step | undefined {
  if (event.activityTaskScheduledEventAttributes != null) {
    return step('activity', event.activityTaskScheduledEventAttributes.activityType?.name);
  }
  if (event.timerStartedEventAttributes != null) return step('timer', event.timerStartedEventAttributes.timerId);
  if (event.timerCanceledEventAttributes != null) {
    return step('the cancel of timer', event.timerCanceledEventAttributes.timerId);
  }
  if (event.activityTaskCancelRequestedEventAttributes != null) return step('the cancel of an activity');
  if (event.startChildWorkflowExecutionInitiatedEventAttributes != null) {
    return step('child', event.startChildWorkflowExecutionInitiatedEventAttributes.workflowId);
  }
  if (event.requestCancelExternalWorkflowExecutionInitiatedEventAttributes != null) {
    return step('the cancel of another workflow');
  }
  if (event.signalExternalWorkflowExecutionInitiatedEventAttributes != null) {
    return step('signal', event.signalExternalWorkflowExecutionInitiatedEventAttributes.signalName);
  }
  if (event.upsertWorkflowSearchAttributesEventAttributes != null) return step(SEARCH_ATTRIBUTES);
  if (event.workflowPropertiesModifiedEventAttributes != null) return step('memo');
  if (event.markerRecordedEventAttributes != null) {
    const { markerName, details } = event.markerRecordedEventAttributes;
    if (markerName !== PATCH_MARKER) return step('marker', markerName);
    const data = details?.['patch-data']?.payloads?.[0];
    return step('patch', data == null ? '' : defaultPayloadConverter.fromPayload<{ id: string }>(data).id);
  }
  if (event.workflowExecutionCompletedEventAttributes != null) return step(END.completed);
  if (event.workflowExecutionFailedEventAttributes != null) return step(END.failed);
  if (event.workflowExecutionCanceledEventAttributes != null) return step(END.cancelled);
  if (event.workflowExecutionContinuedAsNewEventAttributes != null) return step('another run');
  return undefined;
}

function askedStep(command: Command): Step | undefined {
  if (command.scheduleActivity != null) return step('activity', command.scheduleActivity.activityType);
  if (command.startTimer != null) return step('timer', String(command.startTimer.seq));
  if (command.cancelTimer != null) return step('the cancel of timer', String(command.cancelTimer.seq));
  if (command.requestCancelActivity != null) return step('the cancel of an activity');
  if (command.startChildWorkflowExecution != null) {
    return step('child', command.startChildWorkflowExecution.workflowId);
  }
  if (command.cancelChildWorkflowExecution != null || command.requestCancelExternalWorkflowExecution != null) {
    return step('the cancel of another workflow');
  }
  if (command.signalExternalWorkflowExecution != null) {
    return step('signal', command.signalExternalWorkflowExecution.signalName);
  }
  if (command.upsertWorkflowSearchAttributes != null) return step(SEARCH_ATTRIBUTES);
  if (command.modifyWorkflowProperties != null) return step('memo');
  if (command.setPatchMarker != null) return step('patch', command.setPatchMarker.patchId);
  if (command.completeWorkflowExecution != null) return step(END.completed);
  if (command.failWorkflowExecution != null) return step(END.failed);
  if (command.cancelWorkflowExecution != null) return step(END.cancelled);
  if (command.continueAsNewWorkflowExecution != null) return step('another run');
  return undefined;
}
