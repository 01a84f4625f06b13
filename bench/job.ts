import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DemoClient } from '../dev/demo-client.js';
import { memoryOfTree } from '../dev/memory.js';
import { Stack } from '../dev/stack.js';
import type { StackState } from '../dev/stack-state.js';
import { videoJobId } from '../domain/contract.js';
import { cutClips } from '../media/cut/cut-clips.js';
import { checkClip } from '../media/probe/check-clip.js';
import { type BenchResult, type Measure, median } from './report.js';

const CLIPS = 4;
const CLIP_SECONDS = 4;
const ROUNDS = 9;
const FLOOR_QUEUE = 'reelwright-floor';
/** As many at once as the media worker has slots on a machine of two cores. */
const MEDIA_SLOTS = 2;
const TOOLS = {
  ffmpegPath: process.env['FFMPEG_PATH'] ?? 'ffmpeg',
  ffprobePath: process.env['FFPROBE_PATH'] ?? 'ffprobe',
};
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/**
 * A job of four clips whose provider is done at once, from the order to the end of its workflow, against its floor: a
 * workflow of the same shape with empty activities, then the ffprobe and ffmpeg calls of such a job run bare.
 */
export async function benchJobs(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-bench-job-'));
  const clip = join(folder, 'clip.mp4');
  await makeClip(clip);
  const stack = new Stack({
    root: ROOT,
    folder: join(folder, 'stack'),
    env: { ...process.env, LOCAL_REPLICATE_INSTANT: clip, LOG_LEVEL: 'warn' },
    print: () => undefined,
  });
  try {
    const state = await stack.start();
    const floor = await startFloor(state);
    const connection = await Connection.connect({ address: state.temporalAddress });
    try {
      return await measureInTurns(state, new Client({ connection, namespace: state.temporalNamespace }), clip, folder);
    } finally {
      await connection.close();
      for (const child of floor) child.kill('SIGTERM');
      await Promise.all(
        floor.map(async (child) => {
          if (child.exitCode === null) await once(child, 'exit');
        }),
      );
    }
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureInTurns(state: StackState, client: Client, clip: string, folder: string): Promise<BenchResult> {
  const api = new DemoClient(state.apiUrl, state.apiKey, new AbortController().signal);
  const ways = {
    'job: reelwright': () => orderedJob(api, client),
    'workflow: empty, same shape': (round: number) => emptyJob(client, round),
    'media: bare ffprobe and ffmpeg': () => bareMedia(clip, folder),
  };
  const rounds = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let round = -2; round < ROUNDS; round += 1) {
    for (const [name, way] of Object.entries(ways)) {
      const began = performance.now();
      await way(round);
      // The first rounds warm up: connections, caches, compiled code.
      if (round >= 0) rounds.get(name)?.push((performance.now() - began) / 1000);
    }
  }
  const of = (name: string): number[] => rounds.get(name) ?? [];
  const floor = of('workflow: empty, same shape').map(
    (s, index) => s + (of('media: bare ffprobe and ffmpeg')[index] ?? 0),
  );
  const measures: Measure[] = [...rounds].map(([name, seconds]) => ({
    name,
    rounds: seconds,
    median: median(seconds),
  }));
  measures.push({ name: 'floor: both', rounds: floor, median: median(floor) });
  const [job] = measures;
  if (job !== undefined) {
    job.ratio = job.median / median(floor);
    job.reference = 'floor: both';
    const memory = memoryOfTree(process.pid);
    if (memory !== undefined) job.peakRssMb = memory / 1e6;
  }
  return {
    name: 'jobs',
    about: `one job of ${CLIPS} clips of ${CLIP_SECONDS} s in full HD, instant provider, whole embedded stack, medians of ${ROUNDS} rounds; memory is the whole stack's`,
    unit: 's',
    measures,
  };
}

async function orderedJob(api: DemoClient, client: Client): Promise<void> {
  const clips = Array.from({ length: CLIPS }, (_, index) => ({
    prompt: `clip ${index}`,
    durationSeconds: CLIP_SECONDS,
  }));
  const { id } = await api.orderVideo({ kind: 'clips', clips });
  await client.workflow.getHandle(videoJobId(id)).result();
}

async function emptyJob(client: Client, round: number): Promise<void> {
  const workflowId = `floor-${process.pid}-${round}`;
  await client.workflow.execute('bareJob', { workflowId, taskQueue: FLOOR_QUEUE, args: [CLIPS] });
}

/** What the activities of one such job call, with nothing around it. */
async function bareMedia(clip: string, folder: string): Promise<void> {
  const clips = Array.from({ length: CLIPS }, () => clip);
  const waiting = [...clips];
  const slot = async (): Promise<void> => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      await checkClip(TOOLS, path, { expectedDurationSeconds: CLIP_SECONDS });
    }
  };
  await Promise.all(Array.from({ length: MEDIA_SLOTS }, slot));
  await cutClips(TOOLS, { inputs: clips, output: join(folder, 'joined.mp4'), workDir: folder });
}

async function startFloor({ temporalAddress, temporalNamespace }: StackState): Promise<ChildProcess[]> {
  const file = fileURLToPath(new URL('./floor/worker.ts', import.meta.url));
  return await Promise.all(
    ['orchestration', 'media'].map(async (role) => {
      const child = fork(file, [role, temporalAddress, temporalNamespace, FLOOR_QUEUE], {
        execArgv: ['--import', 'tsx'],
      });
      await Promise.race([
        once(child, 'message'),
        once(child, 'exit').then(([code]) => Promise.reject(new Error(`a worker of the floor ended with ${code}`))),
      ]);
      return child;
    }),
  );
}

async function makeClip(path: string): Promise<void> {
  const picture = `testsrc2=size=1920x1080:rate=24:duration=${CLIP_SECONDS}`;
  const encode = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-movflags', '+faststart'];
  await run(TOOLS.ffmpegPath, ['-v', 'error', '-f', 'lavfi', '-i', picture, ...encode, path]);
}
