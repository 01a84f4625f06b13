/** Clips with sound and without, of two models, with music and crossfades: one video, from start to end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobJson } from '../../api/schemas/jobs.schema.js';
import { meanLevel } from '../../media/probe/sound-level.js';
import { findBrowser } from '../support/browser.js';
import { ffprobe, frameAt, psnr } from '../support/frames.js';
import { playVideo } from '../support/play-video.js';
import { replayAndStop } from '../support/replay-stack.js';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 300_000;
const TOOLS = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe' };
/** Seconds of each clip, and of each crossfade. */
const SECONDS = [4, 6, 4];
const SEAM = 0.5;
const TOTAL = 13;

const browser = await findBrowser();
let stack: RunningStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-test-seams-'));
  stack = await startRunningStack();
}, LIMIT_MS);
afterAll(async () => {
  await replayAndStop(stack);
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

describe('a job of two models, with music and crossfades', () => {
  let job: JobJson;
  let video: string;
  const clips: string[] = [];

  beforeAll(async () => {
    const { campaignId } = await stack.campaign();
    const picture = { create: { width: 1366, height: 768, channels: 3 as const, background: '#c08030' } };
    const data = await sharp(picture).jpeg().toBuffer();
    const assetId = await stack.api.uploadImage(campaignId, { name: 'A wall', tags: [], fileName: 'wall.jpg', data });
    // The answer to the purchase of the music is lost on its way.
    await stack.arm({ fault: 'lost-answer', match: { promptIncludes: 'a slow waltz' } });
    const { id } = await stack.api.orderVideo({
      kind: 'clips',
      generateAudio: true,
      transition: 'crossfade',
      music: { enabled: true, prompt: 'a slow waltz' },
      clips: [
        { prompt: 'the seams, 1', durationSeconds: SECONDS[0] },
        { prompt: 'the seams, 2', durationSeconds: SECONDS[1], model: 'hailuo-02', firstImage: { assetId } },
        { prompt: 'the seams, 3', durationSeconds: SECONDS[2] },
      ],
    });
    job = (await stack.until(id, ended, LIMIT_MS)) as unknown as JobJson;
    if (job.videoUrl === null) return;
    video = join(folder, 'video.mp4');
    await stack.api.download(job.videoUrl, video);
    for (const clip of job.clips) {
      const path = join(folder, `clip-${clip.number}.mp4`);
      await stack.api.download(clip.videoUrl ?? '', path);
      clips.push(path);
    }
  }, LIMIT_MS);

  it('ends as one video, shorter than its clips by its crossfades', async () => {
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'completed', durationSeconds: TOTAL });
    expect(job.warnings).toEqual(['models that make no sound: clip 2 (hailuo-02)']);
    const { format, streams } = await ffprobe(video);
    expect(Number(format.duration)).toBeCloseTo(TOTAL, 1);
    expect(streams.map(({ codec_name: codec }) => codec)).toEqual(['h264', 'aac']);
    expect(streams[0]).toMatchObject({ width: 1920, height: 1080, avg_frame_rate: '24/1' });
  });

  it('bought its music once, although the answer was lost', async () => {
    expect(await stack.bought('a slow waltz')).toHaveLength(1);
    expect(job.music).toMatchObject([{ status: 'stored', attempt: 1, durationSeconds: 14, model: 'musicgen' }]);
    expect(job.actualCostUsd).toBeCloseTo(8 * 0.15 + 6 * 0.05 + 0.07, 6);
  });

  it('shows each clip where it is alone, and half of each in the middle of a seam', async () => {
    let begin = 0;
    for (const [index, seconds] of SECONDS.entries()) {
      const own = clips[index] ?? '';
      const alone = seconds / 2;
      expect(psnr(await frameAt(video, begin + alone), await frameAt(own, alone)), `clip ${index + 1}`).toBeGreaterThan(
        28,
      );
      const next = clips[index + 1];
      if (next !== undefined) {
        const [before, after] = [await frameAt(own, seconds - SEAM / 2), await frameAt(next, SEAM / 2)];
        const mean = Buffer.from(before.map((value, place) => Math.round((value + (after[place] ?? 0)) / 2)));
        const shown = await frameAt(video, begin + seconds - SEAM / 2);
        expect(psnr(shown, mean), `seam ${index + 1}`).toBeGreaterThan(25);
        expect(psnr(shown, mean)).toBeGreaterThan(Math.max(psnr(shown, before), psnr(shown, after)));
      }
      begin += seconds - SEAM;
    }
  });

  it('is heard from its start to its end, the silent clip included', async () => {
    for (const fromSeconds of [0.5, 5, 8, TOTAL - 1]) {
      const level = await meanLevel(TOOLS, video, { fromSeconds, seconds: 0.5 });
      expect(level, `at ${fromSeconds} s`).toBeGreaterThan(-40);
    }
  });

  it.skipIf(browser === undefined)('plays in a browser from start to end', async () => {
    const seen = await playVideo(browser ?? '', stack.state(), job.videoUrl ?? '');
    expect(seen).toMatchObject({ width: 1920, error: null });
    expect(seen.end).toBeCloseTo(TOTAL, 1);
  });
});
