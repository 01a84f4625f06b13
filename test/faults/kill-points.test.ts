/**
 * Each transition of the ledger, and each blow at it. A wave is a job for each transition, held there; the blow then
 * strikes them all at once. The next wave does not wait until those jobs have ended: they go on under its blow.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended } from '../support/running-stack.js';
import { type Blow, KILLED_AFTER_COMMIT, KILLED_BEFORE_COMMIT, OTHER_BLOWS, POSTGRES_KILLED } from './blows.js';
import { type FaultStack, startFaultStack } from './fault-stack.js';
import { describeFigures, figuresOf } from './figures.js';
import { ABSENCE, DECISION, type HeldJob, type KillPoint, OUTCOME, PURCHASE } from './kill-points.js';

const START_LIMIT_MS = 120_000;
const WAVES_LIMIT_MS = 900_000;
const END_LIMIT_MS = 240_000;

interface Case {
  blow: Blow;
  point: KillPoint;
  prompt: string;
}

const wave = (blow: Blow, points: readonly KillPoint[]): Case[] =>
  points.map((point) => ({ blow, point, prompt: `at ${point.name}, when ${blow.name}` }));

/** The absences are half a minute away, so that they are reached together, at the end. */
const KILLS = [KILLED_BEFORE_COMMIT, KILLED_AFTER_COMMIT, POSTGRES_KILLED];
const WAVES = [
  ...[...KILLS, ...OTHER_BLOWS].flatMap((blow) => [wave(blow, PURCHASE), wave(blow, OUTCOME)]),
  ...KILLS.map((blow) => wave(blow, DECISION)),
];
const LAST_WAVES = KILLS.map((blow) => wave(blow, ABSENCE));

let faults: FaultStack;
const jobs = new Map<string, Promise<HeldJob>>();

/** Brings one job to each point, one after the other: some hold what others need on their way. */
function reach(cases: readonly Case[]): Promise<HeldJob[]> {
  let before: Promise<unknown> = Promise.resolve();
  return settledOf(
    cases.map(({ point, prompt }) => {
      const job = before.then(() => point.reach(faults, prompt));
      before = job.catch(() => undefined);
      jobs.set(prompt, job);
      return job;
    }),
  );
}

/** A point that was not reached is told by its own test. */
async function settledOf(all: readonly Promise<HeldJob>[]): Promise<HeldJob[]> {
  const results = await Promise.allSettled(all);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

beforeAll(async () => {
  faults = await startFaultStack();
}, START_LIMIT_MS);
beforeAll(async () => {
  for (const cases of WAVES) await cases[0]?.blow.strike(faults, await reach(cases));
  const absent = LAST_WAVES.map((cases) => ({ cases, reached: reach(cases) }));
  for (const { cases, reached } of absent) await cases[0]?.blow.strike(faults, await reached);
}, WAVES_LIMIT_MS);
afterAll(() => faults.stop(), START_LIMIT_MS);

describe.each([...WAVES, ...LAST_WAVES].map((cases) => ({ cases, name: cases[0]?.blow.name })))(
  'when $name',
  ({ cases }) => {
    it.each(cases)(
      'at $point.name, the clip is bought once and its job ends',
      async ({ point, prompt }) => {
        const reached = await jobs.get(prompt);
        if (reached === undefined) throw new Error(`expected a job at ${point.name}`);
        const job = await faults.stack.until(reached.jobId, ended, END_LIMIT_MS);
        // The provider fetches images from the api: what it could not fetch it did not charge, and it is bought again.
        const bought = (await faults.stack.bought(prompt)).filter(({ error }) => !error?.includes('(E006)'));
        expect({ status: job.status, bought: bought.map(({ status }) => status) }, JSON.stringify(job.error)).toEqual({
          status: point.ends,
          bought: point.bought,
        });
      },
      END_LIMIT_MS,
    );
  },
);

it('in the end the figures are right', async () => {
  const figures = figuresOf(await faults.evidence());
  expect(
    figures.filter(({ ok }) => !ok),
    describeFigures(figures),
  ).toEqual([]);
});
