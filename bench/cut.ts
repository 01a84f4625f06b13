import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startMemoryMeter } from '../dev/memory.js';
import { probeClips } from '../media/cut/cut-clips.js';
import { pieceRecipe } from '../media/cut/encode-recipe.js';
import { planCut } from '../media/plan/cut-plan.js';
import { piecesOf } from '../media/plan/plan-pieces.js';
import type { ClipProbe } from '../media/probe/probe-clip.js';
import type { CutAnswer, CutTask } from './cut-child.js';
import { CLIP_SECONDS, CLIPS, type CutFiles, makeCutFiles } from './cut-files.js';
import { type BenchResult, type Measure, median } from './report.js';

/** How often each way is run. What takes seconds needs fewer rounds, and the re-encode of a minute only one. */
const ROUNDS = { quick: 7, slow: 3 };
const METER_MS = 50;
const TOOLS = {
  ffmpegPath: process.env['FFMPEG_PATH'] ?? 'ffmpeg',
  ffprobePath: process.env['FFPROBE_PATH'] ?? 'ffprobe',
};

interface Way {
  name: string;
  rounds: number;
  run: () => Promise<CutAnswer>;
  reference?: string;
}

/**
 * Cuts against bare ffmpeg on the same files. The goals: a job's cut of clips that are alike in at most 1.3 times the bare
 * copy and a fortieth of the re-encode, one odd clip in at most 1.3 times its bare encoding, and a worker of less than
 * 200 MB. A job's clips said what they are when they were collected; a cut from nothing asks them first.
 */
export async function benchCuts(wanted = ROUNDS): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-bench-cut-'));
  try {
    const ways = await waysWith(await makeCutFiles(TOOLS.ffmpegPath, folder), folder, wanted);
    const answers = new Map<string, CutAnswer[]>(ways.map(({ name }) => [name, []]));
    for (let round = 0; round < wanted.quick; round += 1) {
      for (const { name, rounds, run } of ways) {
        if (round < rounds) answers.get(name)?.push(await run());
      }
    }
    const millisecondsOf = (name = ''): number[] => (answers.get(name) ?? []).map((one) => one.milliseconds);
    const measures = ways.map(({ name, reference }): Measure => {
      const rounds = millisecondsOf(name);
      const ratio =
        reference === undefined ? {} : { reference, ratio: median(rounds) / median(millisecondsOf(reference)) };
      const peakRssMb = Math.max(...(answers.get(name) ?? []).map((one) => one.peakRssMb));
      return { name, rounds, median: median(rounds), ...ratio, peakRssMb };
    });
    return {
      name: 'cuts',
      about:
        `${CLIPS} clips of ${CLIP_SECONDS} s, 1080p24, 12 Mbit/s, with sound; a job's cut has the probes that were kept when its clips were collected; medians of ${wanted.quick} rounds, ` +
        `${wanted.slow} where something is encoded, 1 of the re-encode; memory of a worker beside its ffmpeg, or of ffmpeg`,
      unit: 'ms',
      measures,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function waysWith(
  { clips, odd, music, list }: CutFiles,
  folder: string,
  { quick, slow }: typeof ROUNDS,
): Promise<Way[]> {
  const output = join(folder, 'cut.mp4');
  const concat = ['-f', 'concat', '-safe', '0', '-i', list];
  const faststart = ['-movflags', '+faststart', output];
  // As in a job there is no file yet: replacing one makes the file system write out the new one at once.
  const afresh = async (run: () => Promise<CutAnswer>): Promise<CutAnswer> => {
    await rm(output, { force: true });
    return await run();
  };
  const ours = (options: Omit<CutTask['options'], 'output' | 'workDir'>) => () =>
    afresh(() => cutInChild({ tools: TOOLS, options: { ...options, output, workDir: folder } }));
  const bare =
    (...args: string[]) =>
    () =>
      afresh(() => bareFfmpeg(args));
  const oneOdd = clips.with(Math.floor(CLIPS / 2), odd);
  const [probes, oddProbes] = [await probesOf(clips), await probesOf(oneOdd)];
  const reencode = '-c:v libx264 -preset medium -crf 23 -r 30 -c:a aac'.split(' ');
  const copy = 'alike: bare copy';
  const silentCopy = 'alike, silent: bare copy';
  const alone = 'one odd: bare encoding of it alone';
  const alike = "alike: a job's cut";
  const silent = { order: { sound: 'none' } } as const;
  return [
    { name: copy, rounds: quick, run: bare(...concat, '-c', 'copy', ...faststart) },
    { name: alike, rounds: quick, run: ours({ inputs: clips, probes }), reference: copy },
    { name: 'alike: a cut from nothing', rounds: quick, run: ours({ inputs: clips }), reference: copy },
    { name: silentCopy, rounds: quick, run: bare(...concat, '-c', 'copy', '-an', ...faststart) },
    {
      name: "alike, silent: a job's cut",
      rounds: quick,
      run: ours({ inputs: clips, probes, ...silent }),
      reference: silentCopy,
    },
    {
      name: 'alike, silent: a cut from nothing',
      rounds: quick,
      run: ours({ inputs: clips, ...silent }),
      reference: silentCopy,
    },
    { name: alone, rounds: slow, run: bare(...encodingAlone(oddProbes, odd), output) },
    { name: "one odd: a job's cut", rounds: slow, run: ours({ inputs: oneOdd, probes: oddProbes }), reference: alone },
    { name: 'one odd: a cut from nothing', rounds: slow, run: ours({ inputs: oneOdd }), reference: alone },
    {
      name: "alike, music: a job's cut",
      rounds: slow,
      run: ours({ inputs: clips, probes, music: { path: music } }),
    },
    {
      name: "alike, crossfades: a job's cut",
      rounds: slow,
      run: ours({ inputs: clips, probes, order: { transition: 'crossfade' } }),
    },
    {
      name: 'alike: bare re-encode to 1080p30',
      rounds: 1,
      run: bare(...concat, ...reencode, ...faststart),
      reference: alike,
    },
  ];
}

async function probesOf(inputs: readonly string[]): Promise<ClipProbe[]> {
  return await probeClips(
    TOOLS,
    inputs.map((path, index) => ({ number: index + 1, path })),
  );
}

/** The arguments with which the odd one of the clips is encoded in their cut. */
function encodingAlone(probes: readonly ClipProbe[], odd: string): string[] {
  const plan = planCut(probes.map((probe, index) => ({ number: index + 1, probe })));
  const piece = piecesOf(plan).find(({ action }) => action === 'encode');
  if (piece?.action !== 'encode') throw new Error('one clip that is encoded was expected');
  const { filter, output } = pieceRecipe(plan, piece);
  return ['-i', odd, '-vf', filter, ...output];
}

async function bareFfmpeg(args: readonly string[]): Promise<CutAnswer> {
  const began = performance.now();
  const running = promisify(execFile)(TOOLS.ffmpegPath, ['-nostdin', '-v', 'error', '-y', ...args]);
  const meter = startMemoryMeter(running.child.pid ?? 0, METER_MS);
  try {
    await running;
    const milliseconds = performance.now() - began;
    return { milliseconds, peakRssMb: (meter.peakBytes() ?? 0) / 1e6 };
  } finally {
    meter.stop();
  }
}

async function cutInChild(task: CutTask): Promise<CutAnswer> {
  const file = fileURLToPath(new URL('./cut-child.ts', import.meta.url));
  const child = fork(file, [], { execArgv: ['--import', 'tsx'] });
  const exit = once(child, 'exit');
  const ended = exit.then(([code]) => Promise.reject(new Error(`a cut of the bench ended with ${code}`)));
  await Promise.race([once(child, 'message'), ended]);
  const answered = once(child, 'message');
  child.send(task);
  const [answer] = await Promise.race([answered, ended]);
  await exit;
  return answer as CutAnswer;
}
