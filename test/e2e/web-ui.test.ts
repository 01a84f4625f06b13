/** What docs/operations.md says, done as it says: an operator with a browser and the Temporal Web UI, and nothing else. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoJob } from '../../dev/demo-client.js';
import { generationId, TASK_QUEUE, videoJobId, WORKFLOW_TYPES } from '../../domain/contract.js';
import { findBrowser, startBrowser } from '../support/browser.js';
import { replayAndStop } from '../support/replay-stack.js';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';
import { TemporalUi } from '../support/temporal-ui.js';

const LIMIT_MS = 180_000;
const PAUSED_FOR_LONG_MS = '3600000';

const executable = await findBrowser();

let stack: RunningStack;
let browser: Browser;
let ui: TemporalUi;
beforeAll(async () => {
  if (executable === undefined) return;
  stack = await startRunningStack({ PURCHASING_PROBE_MS: PAUSED_FOR_LONG_MS });
  browser = await startBrowser(executable);
  const { temporalUiUrl = '', temporalNamespace } = stack.state();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  ui = await TemporalUi.open(context, temporalUiUrl, temporalNamespace);
}, LIMIT_MS);
afterAll(async () => {
  await browser?.close();
  if (stack !== undefined) await replayAndStop(stack);
}, LIMIT_MS);

const order = (prompts: string[], fields: object = {}): Promise<DemoJob> =>
  stack.api.orderVideo({
    kind: 'clips',
    name: 'Villa Azul',
    resolution: '720p',
    clips: prompts.map((prompt) => ({ prompt, durationSeconds: 4 })),
    ...fields,
  });
const refuse = (prompt: string): Promise<void> =>
  stack.arm({ fault: 'fail', error: 'E005 flagged as sensitive', match: { promptIncludes: prompt } });

/** Starts the workflow `operate` from the form that the list of workflows leads to. */
async function operate(id: string, input: object): Promise<void> {
  await ui.list(`WorkflowType = '${WORKFLOW_TYPES.videoJob}'`);
  await ui.fillStart(`operate-${id}`, TASK_QUEUE, WORKFLOW_TYPES.operate, JSON.stringify(input));
  await ui.submitStart();
}

describe.skipIf(executable === undefined)('an operator in the Web UI alone', () => {
  it(
    'finds the clip that waits, reads why and what to do, and completes its job with another prompt',
    async () => {
      await refuse('an unwanted pool');
      const { id } = await order(['an unwanted pool', 'a garden']);
      await stack.until(id, ({ status }) => status === 'needs_attention', LIMIT_MS);
      const clip = generationId(id, 'clip:1');

      await ui.list("ReelNeedsAttention = true AND ExecutionStatus = 'Running'");
      await ui.openFromList(clip);
      const told = await ui.currentDetails();
      expect(told).toContain('Clip 1 of 2 waits for a decision');
      expect(told).toContain('E005 flagged as sensitive');
      expect(told).toContain('{"decision":"skip"}');
      expect(await ui.query('status')).toContain('Clip 1 of 2 of Villa Azul waits for a decision');
      await ui.fillUpdate('decideClip', '{"decision":"retry","prompt":"a quiet garden"}');
      await ui.submitUpdate();

      const job = await stack.until(id, ended, LIMIT_MS);
      expect(job).toMatchObject({ status: 'completed', error: null });
      expect(await stack.bought('a quiet garden')).toHaveLength(1);

      await ui.openWorkflow(videoJobId(id));
      expect(await ui.currentDetails()).toContain('The video');
      const [page] = await Promise.all([
        ui.page.context().waitForEvent('page'),
        ui.page.frameLocator('iframe[title="output"]').last().getByRole('link', { name: 'clip 2' }).click(),
      ]);
      await page.waitForURL(new RegExp(`${id}-clip-02`));
      await page.close();
    },
    LIMIT_MS,
  );

  it(
    'runs a job again that has failed, as its page says',
    async () => {
      await refuse('an unwanted hall');
      const { id } = await order(['an unwanted hall'], { onClipFailure: 'fail' });
      await stack.until(id, ({ status }) => status === 'failed', LIMIT_MS);

      await ui.openWorkflow(videoJobId(id));
      const told = await ui.currentDetails();
      const input = `{"action":"retry","jobId":"${id}"}`;
      expect(told).toContain('What to do:');
      expect(told).toContain(input);
      await operate(id, JSON.parse(input) as object);

      const job = await stack.until(id, ({ status }) => status === 'completed', LIMIT_MS);
      expect(job.error).toBeNull();
      expect(await stack.bought('an unwanted hall')).toHaveLength(2);
    },
    LIMIT_MS,
  );

  it(
    'lets purchasing go on that the provider had paused',
    async () => {
      await stack.arm({ fault: 'http-402', match: { promptIncludes: 'an unpaid hall' } });
      const { id } = await order(['an unpaid hall']);
      await ui.openWorkflow(videoJobId(id));
      await ui.openWorkflow(generationId(id, 'clip:1'));
      await ui.tab('pending-activities');
      await ui.page
        .getByText(/PURCHASING_PAUSED|PROVIDER_ACCOUNT/)
        .first()
        .waitFor({ timeout: LIMIT_MS });
      await operate(`purchasing-${id}`, { action: 'resume-purchasing' });
      expect((await stack.until(id, ended, LIMIT_MS)).status).toBe('completed');
    },
    LIMIT_MS,
  );
});
