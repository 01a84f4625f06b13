import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { describe, expect, inject, it } from 'vitest';
import { HISTORY_SCENARIOS } from '../test/support/history-scenarios.js';
import '../test/support/quiet-runtime.js';
import * as workflows from './index.js';

const FOLDER = fileURLToPath(new URL('../test/histories', import.meta.url));

interface RecordedEvent {
  eventType?: string;
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  workflowExecutionStartedEventAttributes?: { workflowType: { name: string } };
}
interface RecordedHistory {
  events: RecordedEvent[];
}

const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
const read = (file: string): RecordedHistory => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as RecordedHistory;

async function replay(recorded: RecordedHistory): Promise<void> {
  const options = { workflowBundle: { codePath: inject('temporal').bundlePath } };
  await Worker.runReplayHistory(options, historyFromJSON(recorded), 'a-recorded-workflow');
}

describe('the recorded histories', () => {
  it('are there for every scenario and every workflow type', () => {
    expect(readdirSync(FOLDER).toSorted()).toEqual(HISTORY_SCENARIOS.map(({ name }) => name).toSorted());
    const types = files.map((file) => read(file).events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name);
    expect(new Set(types)).toEqual(new Set(Object.keys(workflows)));
  });

  it.each(files)('%s replays on today’s code', async (file) => {
    await replay(read(file));
  });

  it('would not replay if the workflow had done something else', async () => {
    const tampered = read('completed-by-webhook/video-job-clip-01.json');
    const scheduled = tampered.events.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'buy',
    );
    if (scheduled?.activityTaskScheduledEventAttributes === undefined)
      throw new Error('expected the history to hold a purchase');
    scheduled.activityTaskScheduledEventAttributes.activityType.name = 'buyTwice';
    await expect(replay(tampered)).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});
