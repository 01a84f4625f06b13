import { mkdir, readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identifyProcess } from '../ffmpeg/process-identity.js';
import { makeClip, makeScript, mediaFolder, readPid, tools } from '../test-support/media-files.js';
import { cutClips } from './cut-clips.js';

const folder = mediaFolder();
let silent: string[];
let sounding: string[];

beforeAll(async () => {
  const one = await makeClip(folder.path('silent.mp4'));
  const other = await makeClip(folder.path('sounding.mp4'), { sound: { seconds: 1 } });
  silent = [one, one, one];
  sounding = [other, other, other];
});

let tests = 0;
let workDir: string;
let output: string;

beforeEach(async () => {
  tests += 1;
  workDir = folder.path(`work-${tests}`);
  output = folder.path(`joined-${tests}.mp4`);
  await mkdir(workDir);
});

async function expectNothingLeft(): Promise<void> {
  expect(await readdir(workDir)).toEqual([]);
  expect(await readdir(folder.path())).not.toContain(basename(output));
}

describe('a cut that is ended early', () => {
  /**
   * The real ffmpeg, which writes its process id and reads its first input no faster than it plays. It writes none where it
   * measures a level, beside the join.
   */
  const slowFfmpeg = (pidFile: string) =>
    makeScript(
      folder.path('slow-ffmpeg'),
      `case "$*" in *volumedetect*) ;; *) echo $$ > "${pidFile}" ;; esac`,
      `exec ${tools.ffmpegPath} -re "$@"`,
    );

  it('ends ffmpeg and leaves no file, whether unproven or proven', async () => {
    const pidFile = folder.path('ffmpeg.pid');
    const ffmpegPath = await slowFfmpeg(pidFile);
    const controller = new AbortController();
    const reason = new Error('the job was cancelled');
    const whileJoining: { files: string[]; running: boolean } = { files: [], running: false };
    const aborted = cutClips(
      { ...tools, ffmpegPath },
      {
        inputs: [...sounding, ...sounding, ...sounding, ...sounding],
        output,
        workDir,
        signal: controller.signal,
        onProgress: (fraction) => {
          if (fraction < 0.02 || controller.signal.aborted) return;
          void (async () => {
            whileJoining.files = await readdir(workDir, { recursive: true });
            whileJoining.running = (await identifyProcess(await readPid(pidFile))) !== undefined;
            controller.abort(reason);
          })();
        },
      },
    );
    await expect(aborted).rejects.toBe(reason);
    expect(whileJoining.running).toBe(true);
    expect(whileJoining.files.map((name) => name.split('.').at(-1))).toEqual(
      expect.arrayContaining(['ffconcat', 'mp4']),
    );
    expect(await identifyProcess(await readPid(pidFile))).toBeUndefined();
    await expectNothingLeft();
  });

  it('ends ffmpeg and leaves no file while it encodes a clip', async () => {
    const pidFile = folder.path('encoder.pid');
    const ffmpegPath = await slowFfmpeg(pidFile);
    const controller = new AbortController();
    const reason = new Error('the job was cancelled');
    const odd = await makeClip(folder.path('odd.mp4'), { rate: '25', seconds: 4 });
    const aborted = cutClips(
      { ...tools, ffmpegPath },
      {
        inputs: [...silent, odd],
        output,
        workDir,
        signal: controller.signal,
        onProgress: () => controller.abort(reason),
      },
    );
    await expect(aborted).rejects.toBe(reason);
    expect(await identifyProcess(await readPid(pidFile))).toBeUndefined();
    await expectNothingLeft();
  });

  it('leaves no file when the time limit is over', async () => {
    const ffmpegPath = await makeScript(folder.path('hung-ffmpeg'), 'exec sleep 60');
    const limited = cutClips({ ...tools, ffmpegPath }, { inputs: silent, output, workDir, timeLimitMs: 1_500 });
    await expect(limited).rejects.toMatchObject({ code: 'FFMPEG_FAILED', details: { timeLimitMs: 1_500 } });
    await expectNothingLeft();
  });

  it('leaves no file when ffmpeg dies in the middle', async () => {
    const ffmpegPath = await makeScript(
      folder.path('dying-ffmpeg'),
      'for last in "$@"; do :; done',
      'echo half > "${last#file:}"',
      'kill -KILL $$',
    );
    const died = cutClips({ ...tools, ffmpegPath }, { inputs: silent, output, workDir });
    await expect(died).rejects.toMatchObject({ code: 'FFMPEG_FAILED', details: { signal: 'SIGKILL' } });
    await expectNothingLeft();
  });

  it('does not take a result for proven that is another video', async () => {
    const [first = ''] = silent;
    const ffmpegPath = await makeScript(
      folder.path('lying-ffmpeg'),
      'for last in "$@"; do :; done',
      `cp "${first}" "\${last#file:}"`,
    );
    const lied = cutClips({ ...tools, ffmpegPath }, { inputs: silent, output, workDir });
    await expect(lied).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: 'picture of 3.000 s (within 0.125 s)', seen: '1.000 s' },
    });
    await expectNothingLeft();
  });

  it('does not take a result for proven whose sound is lost at the end', async () => {
    const muted = await makeClip(folder.path('muted.mp4'), {
      seconds: 3,
      sound: { seconds: 3 },
      extra: ['-af', 'volume=0:enable=gte(t\\,2)'],
    });
    const ffmpegPath = await makeScript(
      folder.path('muting-ffmpeg'),
      'for last in "$@"; do :; done',
      'case "$last" in',
      `  *joined.mp4) cp "${muted}" "\${last#file:}" ;;`,
      `  *) exec ${tools.ffmpegPath} "$@" ;;`,
      'esac',
    );
    const lied = cutClips({ ...tools, ffmpegPath }, { inputs: sounding, output, workDir });
    await expect(lied).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: expect.stringMatching(/^sound at -\d+(\.\d+)? dBFS in its last 1 s/) },
    });
    await expectNothingLeft();
  });
});
