import { readdir, stat } from 'node:fs/promises';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { EXPORT_FORMATS, EXPORT_QUALITIES, type ExportFormat, type ExportQuality } from '../../domain/renditions.js';
import { ffprobe, frameAt, psnr } from '../../test/support/frames.js';
import { probe } from '../probe/probe.js';
import { isFaststart } from '../probe/top-level-boxes.js';
import {
  ffmpeg,
  frameHashes,
  loudness,
  makeClip,
  makeScript,
  mediaFolder,
  readPid,
  tools,
} from '../test-support/media-files.js';
import { probed } from '../test-support/probed-clips.js';
import { planExport } from './export-plan.js';
import { exportLimitMs, exportVideo } from './export-video.js';
import { proveExport } from './prove-export.js';

const { path } = mediaFolder();
const SECONDS = 2;
const FRAMES = 48;

let video: string;
let silent: string;
beforeAll(async () => {
  const tagged = ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'];
  video = await makeClip(path('video.mp4'), {
    colour: 'testsrc',
    seconds: SECONDS,
    size: '854x480',
    sound: { seconds: SECONDS },
    extra: tagged,
  });
  silent = await makeClip(path('silent.mp4'), { colour: 'testsrc', seconds: 1, size: '160x284' });
});

const CODECS = { mp4: ['h264', 'aac'], mov: ['h264', 'aac'], webm: ['vp9', 'opus'] };
const every = EXPORT_FORMATS.flatMap((format) => EXPORT_QUALITIES.map((quality) => [format, quality] as const));

describe('an export', () => {
  it.each(every)('as %s in %s quality is the same video, to its end, with its sound', async (format, quality) => {
    const output = path(`${quality}.${format}`);
    const progress: number[] = [];
    const seen = await exportVideo(tools, {
      input: video,
      output,
      format,
      quality,
      onProgress: (fraction) => progress.push(fraction),
    });
    expect(seen.durationSeconds).toBeGreaterThan(SECONDS - 1 / 24);
    expect(seen.durationSeconds).toBeLessThan(SECONDS + 1 / 24 + 0.03);
    const { streams } = await ffprobe(output);
    expect(streams.map((stream) => stream.codec_name)).toEqual(CODECS[format]);
    expect(streams[0]).toMatchObject({ width: 854, height: 480, avg_frame_rate: '24/1' });
    for (const second of [0.1, 1, 1.9]) {
      expect(psnr(await frameAt(output, second), await frameAt(video, second))).toBeGreaterThan(25);
    }
    expect(await loudness(output, SECONDS - 0.5, 0.5)).toBeGreaterThan((await loudness(video, SECONDS - 0.5, 0.5)) - 3);
    if (format !== 'webm') expect(await isFaststart(output)).toBe(true);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it('is smaller the lower its quality', async () => {
    for (const format of EXPORT_FORMATS) {
      const sizes = await Promise.all(
        EXPORT_QUALITIES.map(async (quality) => (await stat(path(`${quality}.${format}`))).size),
      );
      expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    }
  });

  it('keeps the very frames in high quality as mp4 and mov', async () => {
    const frames = await frameHashes(video);
    expect(frames).toHaveLength(FRAMES);
    for (const format of ['mp4', 'mov'] as const) expect(await frameHashes(path(`high.${format}`))).toEqual(frames);
  });

  it.each(['mp4', 'webm'] as const)('of a silent upright video as %s is silent and upright', async (format) => {
    const output = path(`silent.${format}`);
    await exportVideo(tools, { input: silent, output, format, quality: 'low' });
    const { streams } = await ffprobe(output);
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatchObject({ codec_type: 'video', width: 160, height: 284 });
  });

  it('says which encoder is missing, and leaves nothing behind', async () => {
    const ffmpegPath = await makeScript(
      path('ffmpeg-without-vp9'),
      `case "$*" in *-encoders*) echo " V....D libx264 x"; echo " A..... libopus x";; *) exec ${tools.ffmpegPath} "$@";; esac`,
    );
    const order = { input: video, output: path('missing.webm'), format: 'webm', quality: 'low' } as const;
    await expect(exportVideo({ ...tools, ffmpegPath }, order)).rejects.toMatchObject({
      code: 'ENCODER_MISSING',
      message: expect.stringContaining('libvpx-vp9'),
    });
    expect((await readdir(path())).filter((name) => name.startsWith('missing'))).toEqual([]);
  });

  it('that is aborted ends ffmpeg and leaves nothing behind', async () => {
    const pidFile = path('pid');
    const ffmpegPath = await makeScript(
      path('slow-ffmpeg'),
      `case "$*" in *-encoders*) exec ${tools.ffmpegPath} "$@";; esac`,
      `echo $$ > ${pidFile}; exec sleep 600`,
    );
    const stop = new AbortController();
    const run = exportVideo(
      { ...tools, ffmpegPath },
      { input: video, output: path('aborted.mp4'), format: 'mp4', quality: 'low', signal: stop.signal },
    );
    const seen = expect(run).rejects.toThrow('enough');
    await expect.poll(() => readPid(pidFile).catch(() => 0)).toBeGreaterThan(0);
    stop.abort(new Error('enough'));
    await seen;
    const pid = await readPid(pidFile);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect((await readdir(path())).filter((name) => name.startsWith('aborted'))).toEqual([]);
  });
});

describe('the proof of an export', () => {
  const prove = async (file: string, format: ExportFormat, quality: ExportQuality): Promise<unknown> => {
    const source = await probe(tools, video);
    return await proveExport(tools, file, { source, format, plan: planExport(source, { format, quality }) });
  };

  it.each([
    ['is too short', ['-t', '1.5', '-c', 'copy'], 'a length of'],
    ['has lost its sound', ['-an', '-c', 'copy'], 'sound: aac'],
    ['is smaller', ['-vf', 'scale=426:240', '-c:a', 'copy'], 'h264 of 854x480'],
    ['has another codec', ['-c:v', 'mpeg4', '-c:a', 'copy'], 'h264 of 854x480'],
    ['lacks a frame', ['-vf', "select='not(eq(n,20))'", '-vsync', 'passthrough', '-c:a', 'copy'], '48 frames'],
  ])('refuses one that %s', async (what, args, expected) => {
    const file = path(`${what.replaceAll(' ', '-')}.mp4`);
    await ffmpeg('-i', video, ...args, '-movflags', '+faststart', file);
    await expect(prove(file, 'mp4', 'medium')).rejects.toMatchObject({
      code: 'EXPORT_WRONG',
      message: expect.stringContaining(expected),
    });
  });

  it('refuses one whose index is behind', async () => {
    const file = path('behind.mp4');
    await ffmpeg('-i', video, '-c', 'copy', file);
    await expect(prove(file, 'mp4', 'high')).rejects.toMatchObject({ code: 'EXPORT_WRONG' });
  });
});

test('an export may take longer the more pixels it has, and an ordinary one minutes at least', () => {
  const limit = (width: number, height: number, seconds: number): number =>
    exportLimitMs(probed({ video: { width, height, durationSeconds: seconds }, scan: { seconds } }));
  expect(limit(320, 180, 1)).toBeGreaterThan(120_000);
  expect(limit(1920, 1080, 48)).toBeGreaterThan(60 * 60_000);
  expect(limit(1920, 1080, 96)).toBeGreaterThan(limit(1920, 1080, 48));
});
