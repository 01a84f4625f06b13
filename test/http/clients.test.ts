/** What people open videos with, against the api: curl, ffprobe, a browser. */
import { execFile, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ffmpeg, tools } from '../../media/test-support/media-files.js';
import { DiskCache } from '../../storage/serving/disk-cache.js';
import { createServingBlobStore } from '../../storage/serving/serving-blob-store.js';
import { findBrowser } from '../support/browser.js';
import { finishedJob } from '../support/finished-job.js';
import { playVideo } from '../support/play-video.js';
import { type Caller, type RunningApi, startApi } from '../support/running-api.js';

const run = promisify(execFile);
const LIMIT_MS = 240_000;
const LEAST_BYTES = 200_000_000;
const browser = await findBrowser();

let folder: string;
let file: string;
let seconds: number;
let api: RunningApi;
let anna: Caller;
let video: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-http-test-'));
  file = await makeLargeVideo();
  const disk = new DiskCache({ folder: join(folder, 'cache'), maxBytes: 1e9 });
  await disk.adopt();
  api = await startApi({ deps: ({ database }) => ({ blobs: createServingBlobStore(database.pool, { disk }) }) });
  anna = await api.caller('Anna');
  video = (await finishedJob(api, anna, createReadStream(file), { seconds })).videoUrl;
}, LIMIT_MS);
afterAll(async () => {
  await api?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Noise, which does not compress, over and over: 200 MB within seconds. */
async function makeLargeVideo(): Promise<string> {
  const piece = join(folder, 'piece.mp4');
  const noise = 'color=gray:s=640x360:r=24:d=2,noise=alls=100:allf=t';
  const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '4', '-g', '24', '-pix_fmt', 'yuv420p'];
  await ffmpeg('-f', 'lavfi', '-i', noise, ...encoder, piece);
  const times = Math.ceil(LEAST_BYTES / (await stat(piece)).size);
  const path = join(folder, 'large.mp4');
  await ffmpeg('-stream_loop', String(times - 1), '-i', piece, '-c', 'copy', '-movflags', '+faststart', path);
  seconds = times * 2;
  expect((await stat(path)).size).toBeGreaterThanOrEqual(LEAST_BYTES);
  return path;
}

test(
  'curl goes on with a download that broke off',
  async () => {
    const path = join(folder, 'downloaded.mp4');
    const args = ['-sS', '-f', '-H', `X-API-Key: ${anna.key}`, '-o', path, api.url + video];
    const broken = spawn('curl', ['--limit-rate', '40M', ...args], { stdio: 'ignore' });
    await expect
      .poll(async () => (await stat(path).catch(() => ({ size: 0 }))).size, { timeout: 30_000 })
      .toBeGreaterThan(1_000_000);
    broken.kill('SIGKILL');
    const before = (await stat(path)).size;
    expect(before).toBeLessThan(LEAST_BYTES);
    const { stderr } = await run('curl', ['-v', '-C', '-', ...args], { maxBuffer: 16e6 });
    expect(stderr).toMatch(new RegExp(`< HTTP/1.1 206`));
    expect((await readFile(path)).equals(await readFile(file))).toBe(true);
  },
  LIMIT_MS,
);

test(
  'ffprobe reads it over HTTP',
  async () => {
    const headers = ['-headers', `X-API-Key: ${anna.key}\r\n`];
    const wanted = ['-show_entries', 'format=duration,size:stream=codec_name', '-of', 'json'];
    const { stdout } = await run(tools.ffprobePath, ['-v', 'error', ...headers, ...wanted, api.url + video]);
    const seen = JSON.parse(stdout) as { format: { duration: string; size: string } };
    expect(Number(seen.format.duration)).toBeCloseTo(seconds, 0);
    expect(Number(seen.format.size)).toBe((await stat(file)).size);
  },
  LIMIT_MS,
);

test.runIf(browser !== undefined)(
  'Chromium leaps to the end of it and plays from there',
  async () => {
    const played = await playVideo(browser ?? '', { apiUrl: api.url, apiKey: anna.key }, video, seconds - 1);
    expect(played).toMatchObject({ error: null, width: 640 });
    expect(played.end).toBeCloseTo(seconds, 0);
    expect(played.frames).toBeGreaterThan(0);
    expect(api.log()).not.toContain('"level":50');
  },
  LIMIT_MS,
);
