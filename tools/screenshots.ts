/**
 * `npm run screenshots`: the pictures of docs/operations.md, taken from the real Temporal Web UI of a stack of its own in
 * which the situations that they show have been brought about.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { generationId, TASK_QUEUE, videoJobId, WORKFLOW_TYPES } from '../domain/contract.js';
import { findBrowser, startBrowser } from '../test/support/browser.js';
import { startRunningStack } from '../test/support/running-stack.js';
import { TemporalUi } from '../test/support/temporal-ui.js';
import { makeSituations, type Situations } from './screenshot-situations.js';

const FOLDER = fileURLToPath(new URL('../docs/images', import.meta.url));
const WIDTH = 1280;
/** High enough for what most pages say. */
const HEIGHT = 900;
const MAX_BYTES = 150_000;
/** The page draws on after it has loaded: bars, frames of rendered Markdown. */
const SETTLE_MS = 2_000;

const executable = await findBrowser();
if (executable === undefined) throw new Error('expected Chromium on the PATH');
await mkdir(FOLDER, { recursive: true });

const stack = await startRunningStack({ PURCHASING_PROBE_MS: '3600000' });
try {
  const situations = await makeSituations(stack);
  const browser = await startBrowser(executable);
  try {
    const { temporalUiUrl = '', temporalNamespace } = stack.state();
    const context = await browser.newContext({ viewport: { width: WIDTH, height: HEIGHT }, timezoneId: 'UTC' });
    await takeAll(await TemporalUi.open(context, temporalUiUrl, temporalNamespace), situations);
  } finally {
    await browser.close();
  }
} finally {
  await stack.stop();
}

async function takeAll(ui: TemporalUi, jobs: Situations): Promise<void> {
  const take = (name: string, height?: number): Promise<void> => picture(ui, name, height);
  const detailsOf = async (workflowId: string, name: string): Promise<void> => {
    await ui.openWorkflow(workflowId);
    await ui.currentDetails();
    await take(name);
  };
  const refused = generationId(jobs.waiting, 'clip:2');

  await ui.list("ReelNeedsAttention = true AND ExecutionStatus = 'Running'");
  await take('list-needs-attention', 400);
  await ui.openFromList(refused);
  await take('waiting-clip-history');
  await ui.currentDetails();
  await take('waiting-clip', 1_020);
  await ui.query('status');
  await take('query-status', 690);
  await ui.fillUpdate('decideClip', '{"decision":"retry","prompt":"a quiet garden"}');
  await take('send-an-update');

  await detailsOf(videoJobId(jobs.waiting), 'waiting-job');
  await detailsOf(videoJobId(jobs.running), 'running-job');
  await detailsOf(videoJobId(jobs.completed), 'completed-job');
  await detailsOf(videoJobId(jobs.failed), 'failed-job');

  await ui.openWorkflow(generationId(jobs.paused, 'clip:1'));
  await ui.tab('pending-activities');
  // Below it stand the paths of the worker's files.
  await take('purchasing-paused', 645);

  await ui.list(`WorkflowType = '${WORKFLOW_TYPES.videoJob}'`);
  const input = JSON.stringify({ action: 'retry', jobId: jobs.failed });
  await ui.fillStart(`operate-${jobs.failed}`, TASK_QUEUE, WORKFLOW_TYPES.operate, input);
  await take('start-operate', 1_060);
}

/** A PNG of few colours: text on flat ground loses nothing by it. */
async function picture({ page }: TemporalUi, name: string, height = HEIGHT): Promise<void> {
  await page.setViewportSize({ width: WIDTH, height: Math.max(height, HEIGHT) });
  await page.waitForTimeout(SETTLE_MS);
  const clip = { x: 0, y: 0, width: WIDTH, height };
  const png = await sharp(await page.screenshot({ animations: 'disabled', clip }))
    .png({ palette: true, colours: 64, compressionLevel: 9, effort: 10 })
    .toBuffer();
  const file = join(FOLDER, `${name}.png`);
  await writeFile(file, png);
  const { size } = await stat(file);
  if (size > MAX_BYTES) throw new Error(`${name}.png has ${size} bytes, expected at most ${MAX_BYTES}`);
  console.log(`${name}.png ${Math.ceil(size / 1000)} kB`);
}
