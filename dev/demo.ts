/** `make demo`: one real job over HTTP, from six images to out/demo.mp4, on a stack that is started for it. */
import { join } from 'node:path';
import { runDemoJob } from './demo-job.js';
import { describeVideo } from './demo-probe.js';
import { startMemoryMeter } from './memory.js';
import { runUntilSignal } from './run-until-signal.js';
import { Stack } from './stack.js';
import { readState, type StackState } from './stack-state.js';
import { describeStartFailure } from './start-failure.js';
import { LockHeldError } from './supervisor/lock.js';
import { logTail } from './supervisor/log-files.js';
import { becomesTrue } from './supervisor/wait.js';

/** How long a stack that somebody else is starting in this checkout may take, in milliseconds. */
const OTHER_STACK_LIMIT_MS = 300_000;
const PARTS = ['api', 'worker', 'mediaWorker', 'replicate', 'temporal', 'postgres'];

const root = join(import.meta.dirname, '..');
const folder = join(root, '.dev');
const video = join(root, 'out/demo.mp4');
const stack = new Stack({ root, folder, env: process.env, print: (line) => console.log(line) });

await runUntilSignal(stack, async (stopped) => {
  let joined: JoinedStack;
  try {
    joined = await startOrJoin(stopped);
  } catch (error) {
    if (!stopped.aborted) console.error(describeStartFailure(error, folder));
    return 1;
  }
  try {
    await runDemo(joined, stopped);
    return 0;
  } catch (error) {
    if (stopped.aborted) return 1;
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    printLogs();
    return 1;
  }
});

interface JoinedStack {
  state: StackState;
  /** Everything that the stack runs descends from it. */
  supervisorPid: number;
}

async function runDemo({ state, supervisorPid }: JoinedStack, stopped: AbortSignal): Promise<void> {
  const meter = startMemoryMeter(supervisorPid, 500);
  const job = await runDemoJob(state, video, stopped);
  meter.stop();
  console.log(`\n${video}`);
  console.log(`  ${await describeVideo(video, process.env['FFPROBE_PATH'])}`);
  console.log(`  bought for ${job.actualCostUsd ?? 0} USD at ${state.replicateUrl ?? 'Replicate'}`);
  const peak = meter.peakBytes();
  if (peak !== undefined) console.log(`  largest memory of the whole stack: ${Math.round(peak / 1e6)} MB`);
}

/** Uses the stack that runs in this checkout, or starts one. */
async function startOrJoin(stopped: AbortSignal): Promise<JoinedStack> {
  try {
    return { state: await stack.start(), supervisorPid: process.pid };
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    const { pid } = error.holder;
    console.log(`The stack of this checkout runs already (process ${pid}): using it`);
    const file = join(folder, 'state.json');
    const there = () => readState(file) !== undefined;
    await becomesTrue(there, { limitMs: OTHER_STACK_LIMIT_MS, everyMs: 200, signal: stopped });
    const state = readState(file);
    if (state === undefined) throw new Error(`It wrote no ${file} within ${OTHER_STACK_LIMIT_MS / 1000} s`);
    return { state, supervisorPid: pid };
  }
}

function printLogs(): void {
  for (const part of PARTS) {
    const tail = logTail(stack.logFolder, part, 15);
    if (tail !== '') console.error(`\n== ${part}\n${tail}`);
  }
}
