import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureFfmpeg } from './ffmpeg.js';

/** As `ffmpeg -encoders` prints them. */
const ENCODERS = ' V....D libx264              H.264 encoder\n A..... aac                  AAC encoder';
const isRoot = process.getuid?.() === 0;
let folder: string;
let bin: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ffmpeg-'));
  bin = join(folder, 'bin');
  mkdirSync(bin);
  // Only what the fakes themselves need, so that no real ffmpeg or apt-get is found.
  for (const name of ['sh', 'env', 'cat', 'cp']) script(name, `exec /bin/${name} "$@"`);
  env = { PATH: bin };
});

afterEach(() => rmSync(folder, { recursive: true }));

function script(name: string, body: string): string {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('what the PATH holds is used', async () => {
  const ffmpegPath = script('ffmpeg', `echo '${ENCODERS}'`);
  const ffprobePath = script('ffprobe', 'exit 0');
  expect(await ensureFfmpeg(env)).toEqual({ ffmpegPath, ffprobePath });
});

test('the variables come before the PATH', async () => {
  script('ffmpeg', 'exit 1');
  script('ffprobe', 'exit 1');
  const ffmpegPath = script('own-ffmpeg', `echo '${ENCODERS}'`);
  const ffprobePath = script('own-ffprobe', 'exit 0');
  const own = { ...env, FFMPEG_PATH: ffmpegPath, FFPROBE_PATH: ffprobePath };
  expect(await ensureFfmpeg(own)).toEqual({ ffmpegPath, ffprobePath });
});

test('a variable that names a program that does not run is refused with its name', async () => {
  script('ffmpeg', `echo '${ENCODERS}'`);
  const looking = ensureFfmpeg({ ...env, FFMPEG_PATH: join(folder, 'missing') });
  await expect(looking).rejects.toThrow(/FFMPEG_PATH cannot be used: .*missing/);
});

test('an ffmpeg without H.264 is refused before any clip is bought', async () => {
  script('ffmpeg', `echo ' A..... aac                  AAC encoder'`);
  script('ffprobe', 'exit 0');
  await expect(ensureFfmpeg(env)).rejects.toThrow(/was built without libx264/);
});

test('where nothing can be installed, the message holds the command to run', async () => {
  await expect(ensureFfmpeg(env)).rejects.toThrow(/there is no apt-get here.*Run: .*install.* ffmpeg/s);
});

test.runIf(isRoot)('where apt works without asking, it installs what is missing', async () => {
  const program = `#!/bin/sh\necho "${ENCODERS.replaceAll('\n', '\\n')}"\n`;
  writeFileSync(join(folder, 'program'), program, { mode: 0o755 });
  const install = `cp ${folder}/program ${bin}/ffmpeg; cp ${folder}/program ${bin}/ffprobe`;
  script('apt-get', `echo "$DEBIAN_FRONTEND $*" >> ${folder}/journal; case "$*" in *install*) ${install};; esac`);
  expect(await ensureFfmpeg(env)).toEqual({ ffmpegPath: join(bin, 'ffmpeg'), ffprobePath: join(bin, 'ffprobe') });
  const journal = readFileSync(join(folder, 'journal'), 'utf8').trim().split('\n');
  expect(journal).toHaveLength(2);
  expect(journal[0]).toMatch(/^noninteractive .* update/);
  expect(journal[1]).toMatch(/^noninteractive .* install -y .* ffmpeg$/);
});

test.runIf(isRoot)('an apt that fails is told of, with its own words', async () => {
  script('apt-get', 'echo "E: no network" >&2; exit 100');
  await expect(ensureFfmpeg(env)).rejects.toThrow(/apt-get update failed: E: no network/);
});
