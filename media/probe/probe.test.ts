import { once } from 'node:events';
import { copyFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTool } from '../ffmpeg/run-tool.js';
import { ffmpeg, makeClip, makeScript, mediaFolder, tools } from '../test-support/media-files.js';
import { probe } from './probe.js';

const folder = mediaFolder();
let clip: string;

beforeAll(async () => {
  clip = await makeClip(folder.path('clip.mp4'), { seconds: 1, sound: { seconds: 1 } });
});

describe('probe', () => {
  it('says what a clip with sound is', async () => {
    expect(await probe(tools, clip)).toEqual({
      formatName: 'mov,mp4,m4a,3gp,3g2,mj2',
      startSeconds: 0,
      durationSeconds: 1,
      sizeBytes: expect.any(Number),
      video: {
        codec: 'h264',
        profile: 'High',
        width: 160,
        height: 90,
        frameRate: { num: 24, den: 1 },
        timeBase: { num: 1, den: 24_000 },
        pixelFormat: 'yuv420p',
        sampleAspectRatio: '1:1',
        rotation: 0,
        durationSeconds: 1,
        frameCount: 24,
        setup: expect.stringMatching(/^SHA256:[0-9a-f]{64}$/),
      },
      audio: { codec: 'aac', sampleRate: 48_000, channels: 2, channelLayout: 'stereo', durationSeconds: 1 },
    });
  });

  it('tells equal from unequal decoder setups, and a half picture and colours where they are stated', async () => {
    const setupOf = async (path: string) => (await probe(tools, path)).video?.setup;
    const other = await makeClip(folder.path('other.mp4'), { colour: 'blue', seconds: 2 });
    const tagged = await makeClip(folder.path('tagged.mp4'), {
      size: '160x96',
      extra: ['-colorspace', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv', '-flags', '+ilme+ildct'],
    });
    expect(await setupOf(other)).toBe(await setupOf(clip));
    expect(await setupOf(tagged)).not.toBe(await setupOf(clip));
    const { video } = await probe(tools, tagged);
    expect(video).toMatchObject({ colour: { matrix: 'bt709', transfer: 'bt709', range: 'tv' }, interlaced: true });
  });

  it('reads fractional rates, pixels that are not square, and a missing sound', async () => {
    const path = await makeClip(folder.path('ntsc.mp4'), {
      rate: '30000/1001',
      timescale: 30_000,
      extra: ['-vf', 'setsar=4/3'],
    });
    const { video, audio } = await probe(tools, path);
    expect(video).toMatchObject({ frameRate: { num: 30_000, den: 1001 }, sampleAspectRatio: '4:3' });
    expect(audio).toBeUndefined();
  });

  it('states by how much a player turns the picture clockwise', async () => {
    const path = folder.path('turned.mp4');
    await ffmpeg('-v', 'error', '-i', clip, '-c', 'copy', '-metadata:s:v', 'rotate=90', path);
    const shown = folder.path('shown.mp4');
    await ffmpeg('-v', 'error', '-i', path, shown);
    const turned = (await probe(tools, path)).video;
    expect([90, 270]).toContain(turned?.rotation);
    // ffmpeg itself turns the picture when it encodes anew.
    expect((await probe(tools, shown)).video).toMatchObject({
      width: turned?.height,
      height: turned?.width,
      rotation: 0,
    });
  });

  it('knows no number of frames where the container states none', async () => {
    const path = await makeClip(folder.path('fragmented.mp4'), { extra: ['-movflags', 'frag_keyframe+empty_moov'] });
    const { video } = await probe(tools, path);
    expect(video?.frameCount).toBeUndefined();
    expect(video?.durationSeconds).toBeCloseTo(1, 1);
  });

  it('takes the cover image of a sound file for no picture', async () => {
    const path = folder.path('song.mp3');
    const cover = ['-f', 'lavfi', '-i', 'color=red:s=32x32:d=0.04', '-frames:v', '1', '-c:v', 'mjpeg'];
    const tone = ['-f', 'lavfi', '-i', 'sine=d=1'];
    await ffmpeg('-v', 'error', ...tone, ...cover, '-map', '0', '-map', '1', '-disposition:v', 'attached_pic', path);
    const seen = await probe(tools, path);
    expect(seen.video).toBeUndefined();
    expect(seen.audio).toMatchObject({ codec: 'mp3' });
  });

  it.each([`it's a "clip".mp4`, ' -i clip : 50% #1.mp4', '-leading-dash.mp4', 'http:colon.mp4'])(
    'reads a file that is named %j',
    async (name) => {
      await copyFile(clip, folder.path(name));
      expect((await probe(tools, folder.path(name))).durationSeconds).toBe(1);
    },
  );

  it('does not blame the file when ffprobe is killed', async () => {
    const ffprobePath = await makeScript(folder.path('killed'), 'kill -KILL $$');
    await expect(probe({ ...tools, ffprobePath }, clip)).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
  });
});

describe('probe refuses with MEDIA_UNREADABLE', () => {
  const cases: { what: string; make: (path: string) => Promise<void>; seen: RegExp }[] = [
    { what: 'a text file', make: (path) => writeFile(path, '<html>Not found</html>\n'), seen: /moov|Invalid data/ },
    { what: 'an empty file', make: (path) => writeFile(path, ''), seen: /empty \(0 bytes\)/ },
    { what: 'a missing file', make: () => Promise.resolve(), seen: /ENOENT/ },
    { what: 'a folder', make: (path) => mkdir(path).then(() => undefined), seen: /not a regular file/ },
    {
      what: 'a file without its index',
      make: async (path) => {
        await makeClip(path, { colour: 'testsrc', extra: ['-movflags', '-faststart'] });
        await truncate(path, 4_000);
      },
      seen: /Invalid data/,
    },
    {
      what: 'a file whose only stream is neither picture nor sound',
      make: async (path) => {
        const subtitles = `${path}.srt`;
        await writeFile(subtitles, '1\n00:00:00,000 --> 00:00:01,000\nwords\n');
        await ffmpeg('-v', 'error', '-i', subtitles, '-c:s', 'mov_text', '-f', 'mp4', path);
      },
      seen: /neither a video nor an audio stream/,
    },
  ];

  it.each(cases)('$what', async ({ what, make, seen }) => {
    const path = folder.path(`${what}.mp4`);
    await make(path);
    const refusal = probe(tools, path);
    await expect(refusal).rejects.toMatchObject({ code: 'MEDIA_UNREADABLE', message: expect.stringMatching(seen) });
    await expect(refusal).rejects.toThrow(basename(path));
    await expect(refusal).rejects.not.toThrow(folder.path());
  });
});

describe('a script that points elsewhere', () => {
  let server: Server;
  let origin: string;
  let requests: string[];

  beforeAll(async () => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      response.writeHead(404).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const hls = (target: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${target}\n#EXT-X-ENDLIST\n`;
  const ffconcat = (target: string) => `ffconcat version 1.0\nfile '${target}'\n`;

  it.each([
    { what: 'an HLS playlist of another host', script: () => hls(`${origin}/a.ts`) },
    { what: 'an HLS playlist of a local file', script: () => hls(clip) },
    { what: 'an ffconcat script of another host', script: () => ffconcat(`${origin}/a.mp4`) },
    { what: 'an ffconcat script of a local file', script: () => ffconcat(basename(clip)) },
  ])('is refused unopened: $what', async ({ what, script }) => {
    const path = folder.path(`${what}.mp4`);
    await writeFile(path, script());
    await expect(probe(tools, path)).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      details: { seen: expect.any(String) },
      cause: { details: { stderr: expect.stringContaining('not on whitelist') } },
    });
    expect(requests).toEqual([]);
  });

  it('would be followed without the allow-lists, or these tests would prove nothing', async () => {
    const [local, remote] = [folder.path('local.mp4'), folder.path('remote.mp4')];
    await writeFile(local, ffconcat(basename(clip)));
    await writeFile(remote, hls(`${origin}/control.ts`));
    await expect(runTool(tools.ffprobePath, ['-v', 'error', local])).resolves.toBeDefined();
    const open = ['-v', 'error', '-protocol_whitelist', 'file,http,tcp', remote];
    await runTool(tools.ffprobePath, open).catch((error: unknown) =>
      expect(error).toMatchObject({ code: 'FFMPEG_FAILED' }),
    );
    expect(requests).toContain('/control.ts');
  });
});
