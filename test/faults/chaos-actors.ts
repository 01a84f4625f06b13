/** What goes on at the same time in a run of the chaos: somebody orders, somebody cancels, and everything breaks. */
import type { ChaosRun } from './chaos-run.js';
import type { Customer } from './customer.js';
import { killNow, PARTS, type PartName, pidOf, restarted, signal } from './processes.js';

const CUSTOMERS = 3;
const CLIPS = { least: 2, most: 6 };
/** The last orders must have their share of the chaos as well. */
const ORDERS_SHARE = 0.85;
const CANCELLED_JOBS = 0.12;
const CANCEL_WITHIN_MS = 15_000;
/** Longer than any part is down. */
const PART_DOWN_LIMIT_MS = 120_000;
/** When every answer is lost and nothing is killed, as shares of the run; in the second one no webhook tells of it. */
const QUIET_PHASES = [
  { from: 0.3, to: 0.38, faults: ['lost-answer'] },
  { from: 0.68, to: 0.76, faults: ['lost-answer', 'no-webhook'] },
];
/** Kills beyond the least: some meet a part that is down. */
const SPARE_KILLS = 6;
const FREEZES = 4;
/** Up to longer than Temporal waits for the heartbeat of a purchase. */
const FREEZE_MS = { least: 3_000, most: 40_000 };

/** Without `hang`, which ends after half an hour, and `input-erased`, which with a lost answer needs a person. */
const FAULTS: readonly Record<string, unknown>[] = [
  { fault: 'http-402' },
  { fault: 'http-429', retryAfterSeconds: 1 },
  { fault: 'http-500' },
  { fault: 'http-500', on: 'get' },
  { fault: 'http-500', on: 'list' },
  { fault: 'http-500', on: 'cancel' },
  { fault: 'http-500', on: 'download' },
  { fault: 'created-500' },
  { fault: 'lost-answer' },
  { fault: 'lost-answer' },
  { fault: 'list-lag', delayMs: 4_000 },
  { fault: 'fail' },
  { fault: 'fail', error: 'The input was flagged as sensitive. (E005)' },
  { fault: 'slow', delayMs: 4_000 },
  { fault: 'slow', delayMs: 12_000 },
  { fault: 'no-webhook' },
  { fault: 'duplicate-webhook' },
  { fault: 'late-webhook', delayMs: 8_000 },
  { fault: 'truncated-file' },
  { fault: 'expired-output' },
  { fault: 'aborted' },
];

/** Sizes of the orders: enough of them for both numbers of the plan. */
function sizesOf(run: ChaosRun): number[] {
  const random = run.random('orders');
  const sizes: number[] = [];
  let clips = 0;
  while (sizes.length < run.plan.jobs || clips < run.plan.clips) {
    const size = random.between(CLIPS.least, CLIPS.most);
    sizes.push(size);
    clips += size;
  }
  return sizes;
}

export async function orderJobs(run: ChaosRun): Promise<void> {
  const random = run.random('cancels');
  const customers: Customer[] = [run.faults.customer];
  while (customers.length < CUSTOMERS) customers.push(await run.faults.addCustomer(`owner ${customers.length + 1}`));
  const sizes = sizesOf(run);
  for (const [index, clips] of sizes.entries()) {
    const customer = random.pick(customers);
    const prompt = `chaos ${run.plan.seed}, job ${index + 1}`;
    const jobId = await run.untilItWorks(() => customer.order(prompt, { clips }), PART_DOWN_LIMIT_MS);
    if (random.chance(CANCELLED_JOBS))
      run.follow(cancelLater(run, customer, jobId, random.between(0, CANCEL_WITHIN_MS)));
    await run.pause(run.left(ORDERS_SHARE) / (sizes.length - index));
  }
}

async function cancelLater(run: ChaosRun, customer: Customer, jobId: string, ms: number): Promise<void> {
  await run.pause(ms);
  if (await run.untilItWorks(() => customer.cancel(jobId), PART_DOWN_LIMIT_MS)) run.cancels += 1;
}

/** SIGKILL over all parts, in one random order after the other. */
export async function killParts(run: ChaosRun): Promise<void> {
  const random = run.random('kills');
  const planned = run.plan.kills + SPARE_KILLS;
  let bag: PartName[] = [];
  for (let done = 0; done < planned && run.left() > 0; ) {
    await run.pause((run.left() / (planned - done)) * (0.6 + 0.6 * random.next()));
    if (run.isQuiet) continue;
    if (bag.length === 0) bag = random.shuffled(PARTS);
    const part = bag.pop();
    if (part === undefined) continue;
    const pid = pidOf(run.faults.stack.state(), part);
    const at = Date.now();
    done += 1;
    if (!(await killNow(pid))) continue;
    run.kills.set(part, (run.kills.get(part) ?? 0) + 1);
    run.say(`SIGKILL ${part} (process ${pid})`);
    run.follow(noteOutage(run, at, restarted(run.faults.stack.state, part, pid, PART_DOWN_LIMIT_MS)));
  }
}

async function noteOutage(run: ChaosRun, from: number, over: Promise<void>): Promise<void> {
  const outage: [number, number] = [from, Number.POSITIVE_INFINITY];
  run.outages.push(outage);
  await over;
  outage[1] = Date.now();
}

/** SIGSTOP of the worker, and SIGCONT, as far as it is not killed meanwhile. */
export async function freezeWorker(run: ChaosRun): Promise<void> {
  const random = run.random('freezes');
  for (let n = 0; n < FREEZES; n += 1) {
    await run.pause((run.left(0.9) / (FREEZES - n)) * random.next());
    while (run.isQuiet) await run.pause(1_000);
    const pid = pidOf(run.faults.stack.state(), 'worker');
    const ms = random.between(FREEZE_MS.least, FREEZE_MS.most);
    if (run.left() <= 0 || !signal(pid, 'SIGSTOP')) continue;
    run.freezes += 1;
    run.say(`SIGSTOP worker (process ${pid}) for ${ms} ms`);
    await noteOutage(run, Date.now(), untilQuiet(run, ms));
    run.say(
      signal(pid, 'SIGCONT') ? `SIGCONT worker (process ${pid})` : `process ${pid} was killed while it was frozen`,
    );
  }
}

/** That long, or until nothing may be broken any more. */
async function untilQuiet(run: ChaosRun, ms: number): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end && !run.isQuiet && run.left() > 0; ) {
    await run.pause(Math.min(200, end - performance.now()));
  }
}

/** One fault after the other, each for a few times. */
export async function armFaults(run: ChaosRun): Promise<void> {
  const random = run.random('faults');
  for (let bag: Record<string, unknown>[] = []; run.left() > 0; ) {
    await run.pause(random.between(2_000, 6_000));
    if (run.isQuiet) continue;
    if (bag.length === 0)
      bag = random.shuffled(FAULTS).filter(({ fault }) => !run.plan.without.includes(String(fault)));
    const fault = { ...bag.pop(), times: random.between(1, 2) };
    await run.untilItWorks(() => run.faults.stack.arm(fault), PART_DOWN_LIMIT_MS);
  }
}

/** Phases in which the answer of every create is lost and nothing else goes wrong. */
export async function loseAnswers(run: ChaosRun): Promise<void> {
  for (const { from, to, faults } of QUIET_PHASES) {
    await run.pause(Number.POSITIVE_INFINITY, from);
    run.isQuiet = true;
    run.say(`on every purchase from here: ${faults.join(', ')}; and nothing is killed`);
    await run.untilItWorks(async () => {
      await run.faults.clearFaults();
      for (const fault of faults) await run.faults.stack.arm({ fault, times: -1 });
    }, PART_DOWN_LIMIT_MS);
    await run.pause(Number.POSITIVE_INFINITY, to);
    await run.untilItWorks(() => run.faults.clearFaults(), PART_DOWN_LIMIT_MS);
    run.isQuiet = false;
    run.say('answers come again, and parts die again');
  }
}
