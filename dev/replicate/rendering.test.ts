/** What the models make, rendered by ffmpeg and looked at with ffprobe. Short and small, since every render is real. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  countedFfmpeg,
  dataUri,
  download,
  endlessFfmpeg,
  frame,
  peakDb,
  probe,
  processRunsWith,
  psnr,
  roomImage,
} from './media-kit.js';
import {
  bought,
  MUSICGEN_VERSION,
  startFileServer,
  startSilentServer,
  startTestServer,
  temporaryFolder,
  until,
  untilStatus,
} from './test-kit.js';

/** Below this the frames of a clip and its images are no longer the same picture. */
const SAME_PICTURE_DB = 30;
const CLIP = { prompt: 'A walk', duration: 4, resolution: '720p' };

const cover = (image: Buffer, width: number, height: number) =>
  sharp(image).autoOrient().resize(width, height, { fit: 'cover' }).png().toBuffer();

describe('a clip', () => {
  it('from text alone shows a picture, has sound, and is rendered once for two orders that differ in their seed', async () => {
    const counted = countedFfmpeg();
    const server = await startTestServer({ ffmpegPath: counted.path });
    const order = (seed: number) =>
      server.client.predictions.create({ model: 'google/veo-3.1-fast', input: { ...CLIP, seed }, wait: 60 });
    const [one, other] = await Promise.all([order(1), order(2)]);
    expect([one.status, other.status, (await order(3)).status]).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(counted.runs()).toBe(1);
    const path = await download(one.output, server.dir, 'one.mp4');
    expect(readFileSync(await download(other.output, server.dir, 'other.mp4'))).toEqual(readFileSync(path));
    // Rendered anew it has the same bytes.
    const elsewhere = await startTestServer();
    const again = await elsewhere.client.predictions.create({ model: 'google/veo-3.1-fast', input: CLIP, wait: 60 });
    expect(readFileSync(await download(again.output, elsewhere.dir, 'again.mp4'))).toEqual(readFileSync(path));

    const { streams, format } = await probe(path);
    expect(Number(format.duration)).toBe(4);
    expect(streams).toMatchObject([
      { codec_name: 'h264', width: 1280, height: 720, pix_fmt: 'yuv420p', r_frame_rate: '24/1', nb_frames: '96' },
      { codec_name: 'aac', sample_rate: '48000', channels: 2 },
    ]);
    const bytes = readFileSync(path);
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    const peak = await peakDb(path);
    expect(peak).toBeGreaterThan(-40);
    expect(peak).toBeLessThan(-3);
    // A picture, not an even colour, and the camera moves over it.
    const [first, last] = [await frame(path, 0), await frame(path, 95)];
    expect((await sharp(first).stats()).channels[0]?.stdev).toBeGreaterThan(20);
    expect(await psnr(first, last)).toBeLessThan(25);
  });

  it('goes from the first image to the last one, upright, and without sound where none is asked', async () => {
    const upright = await roomImage('#c0d0b8', '#9ed0f0', { width: 720, height: 1280 });
    // Stored lying on its side, with the note to turn it: a phone's photo.
    const first = await sharp(upright).rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
    const last = await roomImage('#303a60', '#f0d070');
    const server = await startTestServer();
    const uploaded = await server.client.files.create(new File([last], 'last.jpg', { type: 'image/jpeg' }));
    const served = await startFileServer(first);
    const done = await server.client.predictions.create({
      model: 'google/veo-3.1-fast',
      input: { ...CLIP, aspect_ratio: '9:16', generate_audio: false, image: served.url, last_frame: uploaded.urls.get },
      wait: 60,
    });
    expect(done).toMatchObject({ status: 'succeeded', error: null });
    expect(served.requests()).toBe(1);
    const path = await download(done.output, server.dir, 'clip.mp4');
    const { streams, format } = await probe(path);
    expect(Number(format.duration)).toBe(4);
    expect(streams).toMatchObject([{ codec_name: 'h264', width: 720, height: 1280, nb_frames: '96' }]);
    const [start, end] = [await frame(path, 0), await frame(path, 95)];
    expect(await psnr(start, await cover(upright, 720, 1280))).toBeGreaterThan(SAME_PICTURE_DB);
    expect(await psnr(end, await cover(last, 720, 1280))).toBeGreaterThan(SAME_PICTURE_DB);
    expect(await psnr(start, end)).toBeLessThan(15);
  });

  it('of Hailuo takes its first image’s aspect ratio, moves the camera, and never has sound', async () => {
    const server = await startTestServer();
    const image = await roomImage('#c8b090', '#a0d0f0', { width: 800, height: 600 });
    const done = await server.client.predictions.create({
      model: 'minimax/hailuo-02',
      input: { prompt: 'A walk', resolution: '512p', first_frame_image: dataUri(image) },
      wait: 60,
    });
    const path = await download(done.output, server.dir, 'clip.mp4');
    const { streams, format } = await probe(path);
    expect(Number(format.duration)).toBe(6);
    expect(streams).toMatchObject([{ codec_name: 'h264', width: 682, height: 512, nb_frames: '144' }]);
    const start = await frame(path, 0);
    expect(await psnr(start, await cover(image, 682, 512))).toBeGreaterThan(SAME_PICTURE_DB);
    expect(await psnr(await frame(path, 143), start)).toBeLessThan(25);
  });
});

describe('music', () => {
  const order = (client: Awaited<ReturnType<typeof startTestServer>>['client'], input: object) =>
    client.predictions.create({ version: MUSICGEN_VERSION, input, wait: 60 });

  it('is audible, of the length asked, in both formats, and other for another prompt', async () => {
    const server = await startTestServer();
    const [wav, mp3, other] = await Promise.all([
      order(server.client, { prompt: 'calm', duration: 4 }),
      order(server.client, { prompt: 'calm', duration: 4, output_format: 'mp3', model_version: 'large' }),
      order(server.client, { prompt: 'wild', duration: 4 }),
    ]);
    const path = await download(wav.output, server.dir, 'out.wav');
    expect(wav.output).toMatch(/\/out\.wav$/);
    const { streams, format } = await probe(path);
    expect(Number(format.duration)).toBe(4);
    expect(streams).toMatchObject([{ codec_name: 'pcm_s16le', sample_rate: '32000', channels: 2 }]);
    const peak = await peakDb(path);
    expect(peak).toBeGreaterThan(-20);
    expect(peak).toBeLessThan(-1);

    const compressed = await probe(await download(mp3.output, server.dir, 'out.mp3'));
    expect(compressed.streams).toMatchObject([{ codec_name: 'mp3', channels: 1 }]);
    expect(Number(compressed.format.duration)).toBeCloseTo(4, 0);
    expect(readFileSync(await download(other.output, server.dir, 'other.wav'))).not.toEqual(readFileSync(path));
  });

  it('continues a piece: the kept part, then the new seconds; beyond 30 s it fails with the model’s words', async () => {
    const server = await startTestServer();
    const piece = await order(server.client, { prompt: 'calm', duration: 3 });
    const continued = await order(server.client, {
      prompt: 'calm',
      duration: 2,
      input_audio: piece.output,
      continuation: true,
      continuation_start: 1,
    });
    expect(continued).toMatchObject({ status: 'succeeded', error: null });
    const [before, after] = await Promise.all([
      download(piece.output, server.dir, 'piece.wav'),
      download(continued.output, server.dir, 'continued.wav'),
    ]);
    expect(Number((await probe(after)).format.duration)).toBe(4);
    // Two seconds of 16-bit stereo at 32 kHz, the second and third of the piece.
    const second = 32_000 * 4;
    const sound = (path: string) => {
      const bytes = readFileSync(path);
      return bytes.subarray(bytes.indexOf('data') + 8);
    };
    expect(
      sound(after)
        .subarray(0, 2 * second)
        .equals(sound(before).subarray(second, 3 * second)),
    ).toBe(true);

    const tooLong = await order(server.client, {
      prompt: 'x',
      duration: 28,
      input_audio: piece.output,
      continuation: true,
    });
    expect(tooLong).toMatchObject({
      status: 'failed',
      error: 'duration + continuation duration must be <= 30 seconds',
      output: null,
    });
  });

  it('fails with E006 where its input is no sound', async () => {
    const server = await startTestServer();
    const image = dataUri(await roomImage('#fff', '#000'));
    const failed = await order(server.client, { prompt: 'x', input_audio: image });
    expect(failed).toMatchObject({ status: 'failed', error: expect.stringContaining('E006') as string });
  });
});

describe('an input image that cannot be used', () => {
  const attempt = async (image: string, options: Parameters<typeof startTestServer>[0] = {}) => {
    const server = await startTestServer(options);
    const done = await server.client.predictions.create({
      model: 'google/veo-3.1-fast',
      input: { ...CLIP, image },
      wait: 60,
    });
    expect(done).toMatchObject({ status: 'failed', output: null });
    expect(await bought(server)).toMatchObject([{ priceUsd: 0 }]);
    return String(done.error);
  };

  it.each([
    ['that nobody serves', 'http://127.0.0.1:9/a.jpg'],
    ['of a scheme that is not fetched', 'file:///etc/passwd'],
    ['that is a broken data URI', 'data:image/png'],
    ['that is text', `data:image/png;base64,${Buffer.from('hello').toString('base64')}`],
  ])('%s fails the prediction with E006', async (_, image) => {
    expect(await attempt(image)).toMatch(/image .*\(E006\)$/);
  });

  it('that is cut in the middle fails it with E006', async () => {
    const whole = await roomImage('#c8b090', '#a0d0f0');
    expect(await attempt(dataUri(whole.subarray(0, whole.length / 2)))).toMatch(/\(E006\)$/);
  });

  it('that answers 404 fails it with E006, without the query of its address', async () => {
    const gone = await startFileServer(Buffer.from('gone'), 404);
    const error = await attempt(gone.url);
    expect(error).toMatch(/status 404\. \(E006\)$/);
    expect(error).not.toContain('secret');
    expect(gone.requests()).toBe(1);
  });

  it('that never answers fails it with E006 when its time is over', async () => {
    const silent = await startSilentServer();
    expect(await attempt(silent.url, { inputTimeoutMs: 150 })).toMatch(/\(E006\)$/);
  });
});

describe('running', () => {
  it('takes two at a time, the others wait as starting, and a canceled one makes room', async () => {
    const server = await startTestServer({ inputTimeoutMs: 60_000 });
    const silent = await startSilentServer();
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const input = { ...CLIP, image: silent.url };
      ids.push((await server.client.predictions.create({ model: 'google/veo-3', input })).id);
    }
    const statuses = () => Promise.all(ids.map(async (id) => (await server.client.predictions.get(id)).status));
    await until('two are running', async () => (await statuses()).filter((one) => one === 'processing').length === 2);
    expect(await statuses()).toEqual(['processing', 'processing', 'starting', 'starting']);
    await server.client.predictions.cancel(String(ids[3]));
    await server.client.predictions.cancel(String(ids[0]));
    await untilStatus(server.client, String(ids[2]), 'processing');
    expect(await statuses()).toEqual(['canceled', 'processing', 'processing', 'canceled']);
    // Canceled after its start is charged, before it is not.
    expect((await bought(server)).map((one) => one.priceUsd)).toEqual([1.6, 0, 0, 0]);
  });

  it('canceled, it kills ffmpeg and leaves no file behind', async () => {
    const server = await startTestServer({ ffmpegPath: endlessFfmpeg() });
    const input = { prompt: 'long' };
    const { id } = await server.client.predictions.create({ model: 'google/veo-3.1', input });
    await until('ffmpeg runs', () => processRunsWith(server.dir));
    await server.client.predictions.cancel(id);
    await until('ffmpeg is gone', () => !processRunsWith(server.dir));
    await until('its folder is gone', () => readdirSync(join(server.dir, 'rendering')).length === 0);
    expect(readdirSync(join(server.dir, 'render-cache'))).toEqual([]);
    expect(readdirSync(join(server.dir, 'outputs'))).toEqual([]);
    expect(await server.client.predictions.get(id)).toMatchObject({ status: 'canceled', output: null });
  });

  it('fails with E1000 where ffmpeg cannot be run', async () => {
    const server = await startTestServer({ ffmpegPath: join(temporaryFolder(), 'nothing-here') });
    const done = await server.client.predictions.create({ model: 'google/veo-3', input: CLIP, wait: 30 });
    expect(done).toMatchObject({ status: 'failed', error: expect.stringContaining('E1000') as string });
  });
});
