/** The demo's job: a client with a campaign, six images of three rooms, one video of three clips. */
import { DemoClient, type DemoJob } from './demo-client.js';
import { drawDemoImages } from './demo-images.js';
import { startProgress } from './progress.js';
import type { StackState } from './stack-state.js';
import { pause } from './supervisor/wait.js';

const CLIPS = 3;
const CLIP_SECONDS = 4;
const POLL_EVERY_MS = 250;
const BAR_LENGTH = 30;
/** Renders take seconds on a laptop; a real provider takes minutes for a clip. */
const JOB_LIMIT_MS = 20 * 60_000;

/**
 * Orders the video, shows its progress, and downloads it.
 * @throws when the job ends without a whole video
 */
export async function runDemoJob(state: StackState, file: string, stopped: AbortSignal): Promise<DemoJob> {
  const api = new DemoClient(state.apiUrl, state.apiKey, stopped);
  const clientId = await api.createClient('Casa Demo');
  const campaignId = await api.createCampaign(clientId, 'A day at Casa Demo', 'Show three rooms by day and at night');
  // One after the other: images of a room pair up in the order of their upload.
  for (const image of await drawDemoImages()) {
    await api.uploadImage(campaignId, image);
    console.log(`Uploaded ${image.name}`);
  }
  const order = { kind: 'image-pairs', campaignId, numPairs: CLIPS, clipDuration: CLIP_SECONDS, name: 'Demo' };
  const ordered = await api.orderVideo(order);
  console.log(`Ordered job ${ordered.id}, estimated at ${ordered.estimatedCostUsd ?? '?'} USD`);
  if (ordered.workflow.url !== null) console.log(`Watch it at ${ordered.workflow.url}`);
  const job = await waitForJob(api, ordered, stopped);
  if (job.status !== 'completed' || job.videoUrl === null) throw new Error(describeFailure(job));
  await api.download(job.videoUrl, file);
  return job;
}

async function waitForJob(api: DemoClient, ordered: DemoJob, stopped: AbortSignal): Promise<DemoJob> {
  const progress = startProgress('Job', process.stdout, 2_000);
  const end = performance.now() + JOB_LIMIT_MS;
  let job = ordered;
  while (!hasEnded(job)) {
    if (performance.now() > end)
      throw new Error(`The job did not end within ${JOB_LIMIT_MS / 60_000} minutes: ${job.status}`);
    await pause(POLL_EVERY_MS, stopped);
    job = await api.job(ordered.id);
    progress.update(`${bar(job.progress.percent)} ${job.progress.message}`);
  }
  progress.done(`${bar(job.progress.percent)} ${job.status}`);
  return job;
}

/** Nobody decides anything in a demo: a job that needs attention has ended here. */
function hasEnded(job: DemoJob): boolean {
  return ['completed', 'completed_with_gaps', 'failed', 'cancelled', 'needs_attention'].includes(job.status);
}

function bar(percent: number): string {
  const filled = Math.round((Math.min(Math.max(percent, 0), 100) / 100) * BAR_LENGTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_LENGTH - filled)}] ${String(Math.round(percent)).padStart(3)}%`;
}

function describeFailure(job: DemoJob): string {
  const lines = [
    `The job ended as ${job.status}: ${job.error?.code ?? ''} ${job.error?.message ?? 'no error was given'}`,
  ];
  for (const clip of job.clips) {
    lines.push(
      `  clip ${clip.number}: ${clip.status} ${clip.error?.code ?? ''} ${clip.error?.message ?? ''}`.trimEnd(),
    );
  }
  for (const warning of job.warnings) lines.push(`  warning: ${JSON.stringify(warning)}`);
  return lines.join('\n');
}
