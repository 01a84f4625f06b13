import { access, readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isReelwrightError, type ReelwrightError } from '../../domain/errors.js';
import { makeScript, mediaFolder, readPid } from '../test-support/media-files.js';
import { identifyProcess } from './process-identity.js';
import { runTool } from './run-tool.js';
import { lastWords, leftWithFailure } from './tool-errors.js';

const folder = mediaFolder();
let scripts = 0;

/** A stand-in for ffmpeg: what counts here is how processes end, and no media tool can be told to hang or to crash. */
function tool(...lines: string[]): Promise<string> {
  scripts += 1;
  return makeScript(folder.path(`tool-${scripts}`), ...lines);
}

async function failureOf(run: Promise<unknown>): Promise<ReelwrightError> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isReelwrightError(error)) throw new Error('a classified failure was expected', { cause: error });
  return error;
}

describe('runTool', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('gives back what the tool printed', async () => {
    const path = await tool('echo "out $1"', 'echo err >&2');
    expect(await runTool(path, ['x y'])).toEqual({ stdout: 'out x y\n', stderrTail: 'err\n' });
  });

  it('fails with the exit code and the end of stderr, at most 2,048 characters of it', async () => {
    const path = await tool('head -c 9000 /dev/zero | tr "\\0" a >&2', 'echo "the reason" >&2', 'exit 3');
    const error = await failureOf(runTool(path, []));
    expect(error.code).toBe('FFMPEG_FAILED');
    expect(error.details).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/^a+the reason\n$/) });
    expect(error.details?.['stderr']).toHaveLength(2048);
    expect(leftWithFailure(error)).toBe(true);
  });

  it('reports a tool that was ended by a signal, which is not a failure of its input', async () => {
    const error = await failureOf(runTool(await tool('kill -KILL $$'), []));
    expect(error.message).toContain('was ended by the signal SIGKILL');
    expect(error.details).toMatchObject({ signal: 'SIGKILL' });
    expect(leftWithFailure(error)).toBe(false);
  });

  it('fails with FFMPEG_FAILED when there is no such tool', async () => {
    const error = await failureOf(runTool(folder.path('absent'), []));
    expect(error.code).toBe('FFMPEG_FAILED');
    expect(error.message).toContain('ENOENT');
  });

  it('rejects with the reason of an abort after the tool is gone, and takes a stubborn child along', async () => {
    const [leader, child] = [folder.path('leader.pid'), folder.path('child.pid')];
    const stubborn = 'trap "" TERM; echo $$ > "$0"; echo ready; exec sleep 60';
    const path = await tool('echo $$ > "$1"', `sh -c '${stubborn}' "$2" &`, 'wait');
    const controller = new AbortController();
    const reason = new Error('the job was cancelled');
    const run = runTool(path, [leader, child], {
      signal: controller.signal,
      onStdout: () => controller.abort(reason),
    });
    await expect(run).rejects.toBe(reason);
    expect(await identifyProcess(await readPid(leader))).toBeUndefined();
    await vi.waitFor(async () => expect(await identifyProcess(await readPid(child))).toBeUndefined(), 20_000);
  });

  it('kills a tool that ignores SIGTERM once its grace is over', async () => {
    const pidFile = folder.path('stubborn.pid');
    const path = await tool("trap '' TERM", 'echo $$ > "$1"', 'echo ready', 'while :; do sleep 0.05; done');
    const controller = new AbortController();
    const run = runTool(path, [pidFile], {
      signal: controller.signal,
      killGraceMs: 100,
      onStdout: () => controller.abort(),
    });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(await identifyProcess(await readPid(pidFile))).toBeUndefined();
  });

  it('lets a tool that was aborted clean up within its grace', async () => {
    const mark = folder.path('cleaned-up');
    const path = await tool('trap \'echo yes > "$1"; exit 0\' TERM', 'echo ready', 'while :; do sleep 0.05; done');
    const controller = new AbortController();
    const run = runTool(path, [mark], { signal: controller.signal, onStdout: () => controller.abort() });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readFile(mark, 'utf8')).toBe('yes\n');
  });

  it('starts nothing when it is already aborted', async () => {
    const mark = folder.path('started');
    const path = await tool('touch "$1"');
    await expect(runTool(path, [mark], { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(access(mark)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends a tool that runs past its time limit', async () => {
    const pidFile = folder.path('slow.pid');
    const path = await tool('echo $$ > "$1"', 'exec sleep 60');
    const error = await failureOf(runTool(path, [pidFile], { timeLimitMs: 500 }));
    expect(error.code).toBe('FFMPEG_FAILED');
    expect(error.message).toContain('to end within 500 ms');
    expect(await identifyProcess(await readPid(pidFile))).toBeUndefined();
  });

  it('ends the tool and rejects with what the reader of its output threw', async () => {
    const pidFile = folder.path('read.pid');
    const path = await tool('echo $$ > "$1"', 'echo ready', 'exec sleep 60');
    const broken = new Error('the reader is broken');
    const run = runTool(path, [pidFile], {
      onStdout: () => {
        throw broken;
      },
    });
    await expect(run).rejects.toBe(broken);
    expect(await identifyProcess(await readPid(pidFile))).toBeUndefined();
  });

  it('ends a tool that prints without end', async () => {
    const error = await failureOf(runTool(await tool('exec yes'), []));
    expect(error.message).toContain('to print at most');
  });

  it('hands none of our secrets on to the tool', async () => {
    vi.stubEnv('REPLICATE_API_TOKEN', 'a-token');
    const { stdout } = await runTool(await tool('env'), []);
    expect(stdout).toContain('PATH=');
    expect(stdout).not.toContain('a-token');
  });
});

describe('lastWords', () => {
  it('is the last line without addresses and folders', () => {
    const said = 'first\n[mov @ 0x55c9] moov atom not found\nfile:/a/b c/clip.mp4: Invalid data found\n';
    expect(lastWords(said)).toBe('clip.mp4: Invalid data found');
    expect(lastWords('[mov @ 0x55c9] moov atom not found\n')).toBe('[mov] moov atom not found');
    expect(lastWords('')).toBe('it said nothing');
  });
});
