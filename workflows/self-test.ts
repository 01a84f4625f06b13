/** Runs in the workflow sandbox, on a schedule: places a tiny order of our own and sees whether all of it is in order. */
import { proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { SelfTestActivities, SelfTestPassed } from '../domain/activity-contract.js';
import { selfTestSentences as sentences } from '../domain/sentences.js';
import { FINAL_JOB_STATES, type JobState } from '../domain/states.js';
import { say } from './say.js';
import { tell } from './tell.js';

const own = proxyActivities<SelfTestActivities>({
  // The check reads a video of some megabytes.
  startToCloseTimeout: '1m',
  // An outage of a quarter of an hour is a finding of its own.
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 30 },
});

/** Fails with SELF_TEST_FAILED, whose message says what is wrong and where to look. */
export async function selfTest(): Promise<SelfTestPassed> {
  const told = tell('Its order is being placed.');
  const { jobId, lookEveryMs, patienceMs } = await say(sentences.place, own.placeSelfTest);
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    const { status, message } = await say(sentences.look, own.readSelfTest, { jobId });
    setCurrentDetails(`**${message}** (job \`${jobId}\`)`);
    told(`${message} (job ${jobId})`);
    if (isFinal(status)) break;
    // Nobody decides about it: what waits for a person is a finding.
    if (status === 'needs_attention' || waitedMs >= patienceMs) {
      await say(sentences.giveUp, own.giveUpSelfTest, { jobId, afterMs: waitedMs });
    }
    await sleep(lookEveryMs, { summary: sentences.pause(lookEveryMs) });
  }
  const passed = await say(sentences.check, own.checkSelfTest, { jobId });
  setCurrentDetails(`**In order**: a video of ${passed.videoBytes} bytes for $${passed.costUsd} (job \`${jobId}\`)`);
  told(`In order: a video of ${passed.videoBytes} bytes for $${passed.costUsd} (job ${jobId})`);
  return passed;
}

const isFinal = (status: JobState): boolean => (FINAL_JOB_STATES as readonly JobState[]).includes(status);
