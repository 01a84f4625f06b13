/** What is made of a finished video, through every real part, while the api and the media worker are killed. */
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobJson } from '../../api/schemas/jobs.schema.js';
import type { CombinedVideoJson, ExportJson } from '../../api/schemas/renditions.schema.js';
import { drawDemoImages } from '../../dev/demo-images.js';
import { ffprobe, frameAt, pixels, psnr } from '../support/frames.js';
import { ended } from '../support/running-stack.js';
import { type FaultStack, startFaultStack } from './fault-stack.js';
import { killNow, pidOf, restarted } from './processes.js';

const START_LIMIT_MS = 120_000;
const LIMIT_MS = 240_000;
const RESTART_LIMIT_MS = 60_000;

let faults: FaultStack;
let job: JobJson;
let video: string;
beforeAll(async () => {
  faults = await startFaultStack();
  const { api } = faults.stack;
  const campaignId = await api.createCampaign(await api.createClient('a client'), 'a campaign', 'to show rooms');
  const [image] = await drawDemoImages();
  if (image === undefined) throw new Error('expected a demo image');
  const clip = { firstImage: { assetId: await api.uploadImage(campaignId, image) }, durationSeconds: 4 };
  const clips = ['in', 'out'].map((prompt) => ({ ...clip, prompt }));
  const { id } = await api.orderVideo({ kind: 'clips', name: 'Villa', resolution: '720p', generateAudio: true, clips });
  expect(await faults.stack.until(id, ended, LIMIT_MS)).toMatchObject({ status: 'completed', error: null });
  job = await call<JobJson>('GET', `/jobs/${id}`);
  video = await download(job.videoUrl ?? '', 'video.mp4');
}, START_LIMIT_MS + LIMIT_MS);
afterAll(() => faults.stop(), START_LIMIT_MS);

async function call<Data>(method: string, path: string, body?: unknown): Promise<Data> {
  const { apiUrl, apiKey } = faults.stack.state();
  const headers = { 'X-API-Key': apiKey, 'Content-Type': 'application/json' };
  const response = await fetch(`${apiUrl}/api/v3${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { data: Data; error: unknown };
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

async function download(path: string, name: string): Promise<string> {
  const file = join(faults.stack.folder, name);
  await faults.stack.api.download(path, file);
  return file;
}

/** Asks until it is over, whatever part is down meanwhile. */
async function over<Rendition extends { status: string }>(path: string): Promise<Rendition> {
  return await vi.waitFor(
    async () => {
      const seen = await call<Rendition>('GET', path);
      if (seen.status === 'queued' || seen.status === 'running') throw new Error(`${path} is ${seen.status}`);
      return seen;
    },
    { timeout: LIMIT_MS, interval: 200 },
  );
}

const state = () => faults.stack.state();

describe('a finished video', () => {
  it('has a thumbnail, and small pictures of its frames with their times', async () => {
    const thumbnail = await download(job.thumbnailUrl ?? '', 'thumbnail.jpg');
    expect((await sharp(thumbnail).metadata()).width).toBe(400);
    const cues = await sharp(await download(job.thumbnailUrl ?? '', 'again.jpg')).toBuffer();
    expect(psnr(await pixels(cues), await frameAt(video, 1))).toBeGreaterThan(25);
    const { apiUrl, apiKey } = state();
    const vtt = await (await fetch(apiUrl + job.previewsUrl, { headers: { 'X-API-Key': apiKey } })).text();
    const parts = [...vtt.matchAll(/^(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm)];
    expect(parts).toHaveLength(Math.round(job.durationSeconds ?? 0));
    const sheet = await download(`/api/v3/videos/${job.id}/${parts[0]?.[1]}`, 'sprites.jpg');
    for (const [second, part] of parts.entries()) {
      const [left = 0, top = 0, width = 0, height = 0] = part.slice(2).map(Number);
      const tile = await sharp(sheet).extract({ left, top, width, height }).png().toBuffer();
      expect(psnr(await pixels(tile), await frameAt(video, second))).toBeGreaterThan(25);
    }
  });

  it(
    'is exported although the media worker is killed in the middle',
    async () => {
      const { id } = await call<ExportJson>('POST', `/videos/${job.id}/exports`, { format: 'webm', quality: 'high' });
      const killed = pidOf(state(), 'mediaWorker');
      await vi.waitFor(
        async () => {
          const { percent } = await call<ExportJson>('GET', `/exports/${id}`);
          if (percent < 5) throw new Error(`the export is at ${percent} %`);
        },
        { timeout: LIMIT_MS, interval: 20 },
      );
      expect((await call<ExportJson>('GET', `/exports/${id}`)).status).toBe('running');
      await killNow(killed);
      await restarted(state, 'mediaWorker', killed, RESTART_LIMIT_MS);
      const made = await over<ExportJson>(`/exports/${id}`);
      expect(made).toMatchObject({ status: 'completed', percent: 100, error: null });
      const file = await download(made.dataUrl ?? '', 'export.webm');
      const { streams } = await ffprobe(file);
      expect(streams.map(({ codec_name }) => codec_name)).toEqual(['vp9', 'opus']);
      for (const second of [0.5, 4, 7.5]) {
        expect(psnr(await frameAt(file, second), await frameAt(video, second))).toBeGreaterThan(25);
      }
      const again = await call<ExportJson>('POST', `/videos/${job.id}/exports`, { format: 'webm', quality: 'high' });
      expect(again.id).toBe(id);
    },
    START_LIMIT_MS + LIMIT_MS,
  );

  it(
    'is combined although Temporal was away when that was asked for, and the api was killed after it',
    async () => {
      const { temporal, api } = { temporal: pidOf(state(), 'temporal'), api: pidOf(state(), 'api') };
      await killNow(temporal);
      const body = { videoIds: [job.id, job.id], name: 'Twice' };
      const { id, status } = await call<CombinedVideoJson>('POST', '/videos/combine', body);
      await killNow(api);
      expect(status).toBe('queued');
      await restarted(state, 'temporal', temporal, RESTART_LIMIT_MS);
      await restarted(state, 'api', api, RESTART_LIMIT_MS);
      const made = await over<CombinedVideoJson>(`/combined-videos/${id}`);
      expect(made).toMatchObject({ status: 'completed', error: null, videoIds: [job.id, job.id] });
      expect(made.durationSeconds).toBeCloseTo(2 * (job.durationSeconds ?? 0), 1);
      const file = await download(made.videoUrl ?? '', 'combined.mp4');
      for (const second of [0.5, 7.5]) {
        const frame = await frameAt(video, second);
        expect(psnr(await frameAt(file, second), frame)).toBeGreaterThan(30);
        expect(psnr(await frameAt(file, second + (job.durationSeconds ?? 0)), frame)).toBeGreaterThan(30);
      }
    },
    START_LIMIT_MS + LIMIT_MS,
  );
});
