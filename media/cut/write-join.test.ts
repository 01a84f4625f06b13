import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { isFaststart, readTopLevelBoxes } from '../probe/top-level-boxes.js';
import { ffmpeg, frameHashes, makeClip, makeScript, mediaFolder, tools } from '../test-support/media-files.js';
import { concatScript, type Join, joinArgs } from './join-args.js';
import { writeJoin } from './write-join.js';

const folder = mediaFolder();
let join: Join;
let script: string;

beforeAll(async () => {
  const path = await makeClip(folder.path('clip.mp4'), { colour: 'testsrc', seconds: 2, sound: { seconds: 2 } });
  const places = [0, 48].map((firstFrame) => ({ firstFrame, frames: 48 }));
  join = {
    pictures: places.map((place) => ({ path, ...place })),
    parts: places.map((place) => ({ ...place, sound: { path, channels: 2, pictureStartSeconds: 0 } })),
    frameRate: { num: 24, den: 1 },
    sound: { sampleRate: 48_000, channels: 2 },
  };
  script = folder.path('clips.ffconcat');
  await writeFile(script, concatScript(join));
});

const typesOf = async (path: string): Promise<string[]> => (await readTopLevelBoxes(path)).map(({ type }) => type);

/** The real ffmpeg, which notes each of its runs and then does `more`. */
async function notingFfmpeg(
  name: string,
  ...more: string[]
): Promise<{ ffmpegPath: string; runs: () => Promise<string[]> }> {
  const notes = folder.path(`${name}.runs`);
  await writeFile(notes, '');
  const noted = [`echo "$*" >> "${notes}"`, `${tools.ffmpegPath} "$@"`, ...more];
  return {
    ffmpegPath: await makeScript(folder.path(name), ...noted),
    runs: async () => (await readFile(notes, 'utf8')).trim().split('\n'),
  };
}

describe('writeJoin', () => {
  it('writes the media once, behind room for the index, and makes the same bytes again', async () => {
    const { ffmpegPath, runs } = await notingFfmpeg('once');
    const [one, other] = [folder.path('one.mp4'), folder.path('other.mp4')];
    await writeJoin({ ...tools, ffmpegPath }, join, { script, output: one }, {});
    await writeJoin({ ...tools, ffmpegPath }, join, { script, output: other }, {});
    expect(await runs()).toHaveLength(2);
    for (const run of await runs()) expect(run).not.toContain('faststart');
    const types = await typesOf(one);
    expect(types.slice(0, 3)).toEqual(['ftyp', 'moov', 'free']);
    expect(types.at(-1)).toBe('mdat');
    expect((await readFile(one)).equals(await readFile(other))).toBe(true);
  });

  // Older versions of ffmpeg leave with 0 where the room was too small, newer ones do not.
  it.each([
    ['and says so by its exit code', 'said=$?; case "$*" in *moov_size*) exit 234;; esac; exit $said'],
    ['and leaves with 0', 'exit 0'],
  ])('moves the media behind the index where ffmpeg finds too little room %s', async (_, end) => {
    const { ffmpegPath, runs } = await notingFfmpeg('twice', end);
    const [output, usual] = [folder.path('moved.mp4'), folder.path('usual.mp4')];
    await writeJoin({ ...tools, ffmpegPath }, join, { script, output, indexBytes: 200 }, {});
    expect((await runs()).map((run) => /faststart|moov_size \d+/.exec(run)?.[0])).toEqual([
      'moov_size 200',
      'faststart',
    ]);
    expect(await isFaststart(output)).toBe(true);
    await writeJoin(tools, join, { script, output: usual }, {});
    expect(await frameHashes(output)).toEqual(await frameHashes(usual));
  });

  it('does not try again where ffmpeg fails for another reason', async () => {
    const { ffmpegPath, runs } = await notingFfmpeg('failing');
    const missing = folder.path('missing.ffconcat');
    const failed = writeJoin({ ...tools, ffmpegPath }, join, { script: missing, output: folder.path('none.mp4') }, {});
    await expect(failed).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
    expect(await runs()).toHaveLength(1);
  });
});

describe('the sound of a join', () => {
  it.each([
    { file: 'six.mp4', encoder: ['-c:a', 'aac', '-ac', '6'] },
    { file: 'low.mp4', encoder: ['-c:a', 'aac', '-ac', '1', '-ar', '22050'] },
    { file: 'ac3.mp4', encoder: ['-c:a', 'ac3'] },
    { file: 'mp3.mp4', encoder: ['-c:a', 'libmp3lame'] },
    { file: 'wave.mov', encoder: ['-c:a', 'pcm_s16le'] },
    { file: 'opus.mkv', encoder: ['-c:a', 'libopus'] },
  ])('is taken whole by what the header of the file says ($file)', async ({ file, encoder }) => {
    const path = join.pictures[0]?.path ?? '';
    const other = folder.path(file);
    await ffmpeg('-v', 'error', '-i', path, '-c:v', 'copy', ...encoder, other);
    const sound = { path: other, channels: file === 'low.mp4' ? 1 : 2, pictureStartSeconds: 0 };
    const whole: Join = { ...join, parts: join.parts.map((part) => ({ ...part, sound })) };
    const args = joinArgs(whole, script, '/none');
    const filter = args.slice(args.indexOf('-filter_complex'), args.indexOf('-filter_complex') + 2);
    const inputs = args.slice(0, args.indexOf('-filter_complex'));
    const hashOf = async (given: readonly string[]): Promise<string> => {
      const hash = folder.path(`${file}.md5`);
      await ffmpeg('-v', 'error', ...given, ...filter, '-map', '[sound]', '-f', 'md5', hash);
      return await readFile(hash, 'utf8');
    };
    expect(inputs).toContain('-nofind_stream_info');
    const looked = await hashOf(inputs.filter((arg) => arg !== '-nofind_stream_info'));
    expect(looked).toMatch(/^MD5=[0-9a-f]{32}/);
    expect(await hashOf(inputs)).toBe(looked);
  });
});
