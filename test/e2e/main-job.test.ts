/** The main job over HTTP, through every real part. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoJob } from '../../dev/demo-client.js';
import { SCENE_SET_A } from '../../domain/scenes.js';
import { findBrowser } from '../support/browser.js';
import { ffprobe, frameAt, pixels, psnr } from '../support/frames.js';
import { playVideo } from '../support/play-video.js';
import { replayAndStop } from '../support/replay-stack.js';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 180_000;
const FRAME = 1 / 24;

const browser = await findBrowser();

let stack: RunningStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-test-e2e-'));
  stack = await startRunningStack();
}, LIMIT_MS);
afterAll(async () => {
  await replayAndStop(stack);
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

interface WorkflowListing {
  id: string;
  type: string;
  status: string;
  parent: string | null | undefined;
}

async function workflowsOf(jobId: string): Promise<WorkflowListing[]> {
  const { temporalAddress, temporalNamespace } = stack.state();
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const client = new Client({ connection, namespace: temporalNamespace });
    const found: WorkflowListing[] = [];
    for await (const one of client.workflow.list({ query: `WorkflowId STARTS_WITH 'video-job-${jobId}'` })) {
      found.push({
        id: one.workflowId,
        type: one.type,
        status: one.status.name,
        parent: one.parentExecution?.workflowId,
      });
    }
    return found.sort((a, b) => a.id.localeCompare(b.id));
  } finally {
    await connection.close();
  }
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  const { apiUrl, apiKey } = stack.state();
  return fetch(apiUrl + path, { method, headers: { 'X-API-Key': apiKey, ...headers } });
}

describe('a job from a campaign’s images', () => {
  let job: DemoJob;
  let video: string;
  let images: Awaited<ReturnType<RunningStack['campaign']>>['images'];

  beforeAll(async () => {
    const campaign = await stack.campaign();
    images = campaign.images;
    const ordered = await stack.api.orderVideo({
      kind: 'image-pairs',
      campaignId: campaign.campaignId,
      numPairs: 3,
      clipDuration: 4,
    });
    job = await stack.until(ordered.id, ended, LIMIT_MS);
    video = join(folder, 'video.mp4');
    if (job.videoUrl !== null) await stack.api.download(job.videoUrl, video);
  }, LIMIT_MS);

  it('ends as a video of its clips’ length in full HD', async () => {
    expect(job).toMatchObject({ status: 'completed', error: null, progress: { percent: 100 }, durationSeconds: 12 });
    const { format, streams } = await ffprobe(video);
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatchObject({ codec_name: 'h264', width: 1920, height: 1080, avg_frame_rate: '24/1' });
    expect(Math.abs(Number(format.duration) - 12)).toBeLessThanOrEqual(0.1);
  });

  it('shows each pair’s images where its clip begins and ends, in the order of the scenes', async () => {
    const rooms = SCENE_SET_A.flatMap((scene) =>
      images.filter(({ tags }) => scene.tags.includes((tags[0] ?? '').replace(/ \d+$/, '').toLowerCase())),
    );
    expect(rooms).toHaveLength(6);
    for (const [index, { data }] of rooms.entries()) {
      const clip = Math.floor(index / 2);
      const at = index % 2 === 0 ? clip * 4 : (clip + 1) * 4 - FRAME;
      const shown = await frameAt(video, at);
      const likeness = await Promise.all(rooms.map(async (one) => psnr(shown, await pixels(one.data))));
      expect(likeness.indexOf(Math.max(...likeness)), `the frame at ${at} s`).toBe(index);
      expect(psnr(shown, await pixels(data))).toBeGreaterThan(25);
    }
  });

  it('has a poster: its frame at one second', async () => {
    const file = join(folder, 'poster.jpg');
    await stack.api.download(job.posterUrl ?? '', file);
    expect(psnr(await pixels(await readFile(file)), await frameAt(video, 1))).toBeGreaterThan(25);
  });

  it('bought each clip once, for what the provider charges', async () => {
    const ids = job.clips.map((clip) => (clip as unknown as { predictionId: string }).predictionId);
    const bought = (await stack.bought('')).filter(({ id }) => ids.includes(id));
    expect(new Set(ids).size).toBe(3);
    expect(bought).toHaveLength(3);
    expect(job.actualCostUsd).toBeCloseTo(
      bought.reduce((sum, { priceUsd }) => sum + priceUsd, 0),
      6,
    );
    expect(job.estimatedCostUsd).toBeCloseTo(1.2, 6);
  });

  it('was one workflow with a child for each clip', async () => {
    const parent = `video-job-${job.id}`;
    expect(await workflowsOf(job.id)).toEqual([
      { id: parent, type: 'videoJob', status: 'COMPLETED', parent: undefined },
      ...[1, 2, 3].map((number) => ({
        id: `${parent}-clip-0${number}`,
        type: 'generation',
        status: 'COMPLETED',
        parent,
      })),
    ]);
  });

  it('keeps neither prompts nor media in its history', async () => {
    const { temporalAddress, temporalNamespace } = stack.state();
    const connection = await Connection.connect({ address: temporalAddress });
    const client = new Client({ connection, namespace: temporalNamespace });
    for (const { id } of await workflowsOf(job.id)) {
      const { events } = await client.workflow.getHandle(id).fetchHistory();
      const text = JSON.stringify(events, (_, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
      );
      expect(text).not.toContain(SCENE_SET_A[0]?.prompt.slice(0, 30));
      expect(text.length).toBeLessThan(100_000);
    }
    await connection.close();
  });

  it('streams the video whole, in part, and as headers alone', async () => {
    const path = job.videoUrl ?? '';
    const whole = await readFile(video);
    const head = await get(path, {}, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(String(whole.length));
    expect(head.headers.get('etag')).toBe(`"${createHash('sha256').update(whole).digest('hex')}"`);
    const part = await get(path, { Range: 'bytes=300000-' });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(300_000))).toBe(true);
    const tail = await get(path, { Range: 'bytes=-500' });
    expect(Buffer.from(await tail.arrayBuffer()).equals(whole.subarray(-500))).toBe(true);
  });

  it('serves each clip under its number', async () => {
    for (const number of [1, 2, 3]) {
      const file = join(folder, `clip-${number}.mp4`);
      await stack.api.download(`/api/v3/videos/${job.id}/clips/clip_00${number}.mp4`, file);
      expect(Number((await ffprobe(file)).format.duration)).toBeCloseTo(4, 1);
      expect(psnr(await frameAt(file, 0), await frameAt(video, (number - 1) * 4))).toBeGreaterThan(35);
    }
  });

  it.skipIf(browser === undefined)('plays and seeks in a browser', async () => {
    const seen = await playVideo(browser ?? '', stack.state(), job.videoUrl ?? '', 10.5);
    expect(seen).toMatchObject({ width: 1920, error: null });
    expect(seen.duration).toBeCloseTo(12, 1);
    expect(seen.end).toBeCloseTo(12, 1);
  });

  it('is nobody else’s', async () => {
    for (const path of [`/api/v3/jobs/${job.id}`, job.videoUrl ?? '']) {
      expect((await get(path, { 'X-API-Key': 'rw_not-a-key' })).status).toBe(401);
      expect((await get(path, { 'X-API-Key': '' })).status).toBe(401);
    }
  });
});

describe('a job whose webhooks never come', () => {
  it(
    'ends by polling',
    async () => {
      await stack.arm({ fault: 'no-webhook', match: { promptIncludes: 'unannounced' } });
      const clips = [{ prompt: 'an unannounced room', durationSeconds: 4 }];
      const ordered = await stack.api.orderVideo({ kind: 'clips', resolution: '720p', clips });
      const job = await stack.until(ordered.id, ended, LIMIT_MS);
      expect(job.status).toBe('completed');
      expect(await stack.bought('unannounced')).toHaveLength(1);
    },
    LIMIT_MS,
  );
});

describe('a job with a clip that the provider refuses', () => {
  it(
    'fails with the reason, keeps what was paid, and buys nothing twice',
    async () => {
      const error = 'E005 flagged as sensitive';
      await stack.arm({ fault: 'fail', error, match: { promptIncludes: 'unwanted' } });
      const clips = [
        { prompt: 'an unwanted room', durationSeconds: 4 },
        { prompt: 'a wanted room', durationSeconds: 4 },
      ];
      const order = { kind: 'clips', resolution: '720p', onClipFailure: 'fail', clips };
      const ordered = await stack.api.orderVideo(order);
      const job = await stack.until(ordered.id, ended, LIMIT_MS);
      expect(job).toMatchObject({ status: 'failed', error: { code: 'PROVIDER_REFUSED_CONTENT' }, videoUrl: null });
      expect(job.error?.message).toContain('clip 1');
      expect(job.clips[0]).toMatchObject({ status: 'failed', error: { code: 'PROVIDER_REFUSED_CONTENT' } });
      expect(['stored', 'cancelled']).toContain(job.clips[1]?.status);
      expect(await stack.bought('unwanted')).toHaveLength(1);
    },
    LIMIT_MS,
  );
});
