/** A job whose clips come from models that make pictures of different shapes, through every real part. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ffprobe } from '../support/frames.js';
import { replayAndStop } from '../support/replay-stack.js';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 180_000;

interface Plan {
  clips: { number: number; action: string; reasons: string[] }[];
}

let stack: RunningStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-test-mixed-'));
  stack = await startRunningStack();
}, LIMIT_MS);
afterAll(async () => {
  await replayAndStop(stack);
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

async function rawFrame(
  path: string,
  seconds: number,
): Promise<{ data: Buffer; info: { width: number; height: number } }> {
  const args = [
    '-v',
    'error',
    '-ss',
    String(seconds),
    '-i',
    path,
    '-frames:v',
    '1',
    '-f',
    'image2pipe',
    '-c:v',
    'png',
    '-',
  ];
  const { stdout } = await promisify(execFile)('ffmpeg', args, { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 });
  return await sharp(stdout).removeAlpha().raw().toBuffer({ resolveWithObject: true });
}

async function planOf(jobId: string): Promise<Plan> {
  const { apiUrl, apiKey } = stack.state();
  const response = await fetch(`${apiUrl}/api/v3/jobs/${jobId}/cut-plan`, { headers: { 'X-API-Key': apiKey } });
  return ((await response.json()) as { data: Plan }).data;
}

it(
  'is one video: only the clip that differs is encoded, and its plan says why',
  async () => {
    const { campaignId } = await stack.campaign();
    // Hailuo takes the shape of its first image.
    const square = { create: { width: 900, height: 900, channels: 3 as const, background: '#c03040' } };
    const data = await sharp(square).jpeg().toBuffer();
    const assetId = await stack.api.uploadImage(campaignId, { name: 'A tile', tags: [], fileName: 'tile.jpg', data });
    const first = { assetId };
    const { id } = await stack.api.orderVideo({
      kind: 'clips',
      resolution: '1080p',
      clips: [
        { prompt: 'a mixed room, 1', durationSeconds: 4 },
        { prompt: 'a mixed room, 2', durationSeconds: 6, model: 'hailuo-02', firstImage: first },
        { prompt: 'a mixed room, 3', durationSeconds: 4 },
      ],
    });
    const job = await stack.until(id, ended, LIMIT_MS);
    expect(job.status, JSON.stringify(job.error)).toBe('completed');
    const file = join(folder, 'mixed.mp4');
    await stack.api.download(job.videoUrl ?? '', file);
    const { format, streams } = await ffprobe(file);
    expect(Math.abs(Number(format.duration) - 14)).toBeLessThan(0.3);
    expect(streams[0]).toMatchObject({ codec_name: 'h264', width: 1920, height: 1080, avg_frame_rate: '24/1' });
    const { clips } = await planOf(id);
    expect(clips.map(({ number, action }) => [number, action])).toEqual([
      [1, 'copy'],
      [2, 'encode'],
      [3, 'copy'],
    ]);
    expect(clips[1]?.reasons.join()).toContain('1080x1080');
    // Never stretched: the square stands in the middle, black on both sides.
    const { data: frame, info } = await rawFrame(file, 7);
    const at = (x: number): number[] => [...frame.subarray(((info.height / 2) * info.width + x) * 3).subarray(0, 3)];
    expect(Math.max(...at(20))).toBeLessThan(30);
    expect(at(info.width / 2)[0]).toBeGreaterThan(150);
    expect(Math.max(...at(info.width - 20))).toBeLessThan(30);
  },
  LIMIT_MS,
);
