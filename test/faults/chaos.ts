/**
 * `make chaos`: minutes of orders while parts are killed and frozen and the provider misbehaves, then the figures. Ends
 * with 1 when a figure is off, or when too little happened for the figures to mean something.
 */
import { randomInt } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { armFaults, freezeWorker, killParts, loseAnswers, orderJobs } from './chaos-actors.js';
import { reportOf } from './chaos-report.js';
import { ChaosRun } from './chaos-run.js';
import { type FaultStack, startFaultStack } from './fault-stack.js';

/** What is left when the chaos is over ends by itself: downloads, the reconciler's rounds, time-outs of dead workers. */
const REST_LIMIT_MS = 420_000;
const LOOK_EVERY_MS = 1_000;
const LOGS = join(import.meta.dirname, '../../out/chaos-logs');

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    minutes: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '60' },
    clips: { type: 'string', default: '200' },
    kills: { type: 'string', default: '40' },
    without: { type: 'string', multiple: true, default: [] },
    'adoption-limit-ms': { type: 'string', default: '15000' },
  },
});
const plan = {
  seed: numberOf('seed'),
  minutes: numberOf('minutes'),
  without: values.without,
  jobs: numberOf('jobs'),
  clips: numberOf('clips'),
  kills: numberOf('kills'),
  adoptionLimitMs: numberOf('adoption-limit-ms'),
};
print(`chaos with --seed ${plan.seed}, ${plan.minutes} minutes`);

const faults = await startFaultStack({ LOG_LEVEL: 'info' });
let isStopping = false;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    isStopping = true;
    print('stopping');
    void faults.stop().finally(() => process.exit(130));
  });
}
try {
  process.exitCode = (await run(faults)) ? 0 : 1;
} catch (error) {
  // A stop ends everything that is under way; its reasons are no news.
  if (!isStopping) throw error;
} finally {
  if (!isStopping) await faults.stop();
}

async function run(stack: FaultStack): Promise<boolean> {
  const chaos = new ChaosRun(stack, plan, print);
  await Promise.all([orderJobs, killParts, freezeWorker, armFaults, loseAnswers].map((actor) => actor(chaos)));
  await chaos.settled();
  await stack.clearFaults();
  chaos.say('the chaos is over; waiting for what is left');
  await untilRest(chaos);
  const report = reportOf(chaos, await stack.evidence());
  print(report.text);
  if (report.ok) return true;
  await cp(join(stack.stack.folder, 'logs'), LOGS, { recursive: true });
  print(`Not as it should be; again with --seed ${plan.seed}. The logs of the parts are in ${LOGS}`);
  return false;
}

/** Waits until every job and every purchase has ended, as long as that may take. */
async function untilRest(chaos: ChaosRun): Promise<void> {
  const open = `
    SELECT (SELECT count(*)::int FROM jobs WHERE completed_at IS NULL) AS jobs,
      (SELECT count(*)::int FROM predictions WHERE state IN ('intended', 'posting', 'unknown', 'known')
        OR (state = 'succeeded' AND error IS NULL)) AS purchases`;
  for (const end = performance.now() + REST_LIMIT_MS; performance.now() < end; await sleep(LOOK_EVERY_MS)) {
    const [left] = await chaos.faults.sql.query<{ jobs: number; purchases: number }>(open);
    if (left?.jobs === 0 && left.purchases === 0) return;
  }
  chaos.say(`after ${REST_LIMIT_MS / 1000} s not all has ended`);
}

function numberOf(name: Exclude<keyof typeof values, 'without'>): number {
  const number = Number(values[name]);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new Error(`expected --${name} to be a number of 0 or more, got ${values[name]}`);
}
