/**
 * Runs with every test file: whatever its workflows did, today's code must do again when it reads their histories, and the
 * Web UI must have a sentence for each step.
 */
import { afterAll, inject } from 'vitest';
import type { RecordedHistory } from '../../worker/replay/replay-histories.js';
import { takeProduced } from './produced-histories.js';

afterAll(async () => {
  const histories = takeProduced();
  if (histories.length === 0) return;
  // Only files with workflows load the SDK's worker.
  const { replayHistories } = await import('../../worker/replay/replay-histories.js');
  const bundle = { codePath: inject('temporal').bundlePath };
  const differences: string[] = [];
  let replayed = 0;
  for await (const { workflowId, type, difference } of replayHistories(bundle, histories)) {
    replayed += 1;
    if (difference === undefined) continue;
    const { eventId, history, code, said } = difference;
    differences.push(
      `${type} ${workflowId} at event ${eventId}: the history has ${history}, the code did ${code}: ${said}`,
    );
  }
  if (replayed !== histories.length) throw new Error(`${replayed} of ${histories.length} histories were replayed`);
  if (differences.length > 0) throw new Error(`histories that do not replay:\n${differences.join('\n')}`);
  const silent = histories.flatMap(stepsWithoutSentence);
  if (silent.length > 0) throw new Error(`steps without a sentence:\n${silent.join('\n')}`);
}, 120_000);

function stepsWithoutSentence({ workflowId, history }: RecordedHistory): string[] {
  return (history.events ?? []).flatMap((event) => {
    const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (activity == null && event.timerStartedEventAttributes == null) return [];
    return event.userMetadata?.summary == null ? [`${workflowId}: ${activity ?? 'a timer'}`] : [];
  });
}
