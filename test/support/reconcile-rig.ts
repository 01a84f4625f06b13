/** What the reconciler's rules work with: a real database, a provider in memory, and a Temporal that takes notes. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { RememberedPurchase } from '../../activities/purchase-histories.js';
import { RECONCILE_SETTINGS, type ReconcileDeps, type ReconcileSettings } from '../../activities/reconcile-deps.js';
import { createFakeProvider, type FakeProvider } from '../../replicate/fake-provider.js';
import type { Prediction } from '../../replicate/video-provider.js';
import type { ActivityRig } from './activity-rig.js';
import { type FakeWorkflows, fakeWorkflows } from './fake-workflows.js';
import { VEO } from './ledger-rows.js';

export interface ReconcileRig {
  deps: ReconcileDeps;
  provider: FakeProvider;
  workflows: FakeWorkflows;
  /** What Temporal remembers. */
  remembered: RememberedPurchase[];
  /** The rules with everything old enough at once. */
  settings: ReconcileSettings;
  /** A prediction at the provider, and what is to be said of it. */
  make(given?: { seed?: number; agoMs?: number } & Partial<Prediction>): Promise<Prediction>;
  /** The log's lines so far. */
  log(): { level: number; msg: string; [field: string]: unknown }[];
}

export const signal = new AbortController().signal;

/** `rig` is the file's database; everything else is of one test. */
export function reconcileRig(rig: ActivityRig): ReconcileRig {
  const provider = createFakeProvider();
  const workflows = fakeWorkflows();
  const remembered: RememberedPurchase[] = [];
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return {
    deps: {
      ...rig.deps(provider),
      logger: pino({}, sink),
      workflows,
      histories: {
        async *boughtSince() {
          yield* remembered;
        },
      },
    },
    provider,
    workflows,
    remembered,
    settings: { ...RECONCILE_SETTINGS, olderThanMs: 0, compareEveryMs: 0, tooYoungMs: 0 },
    async make({ seed, agoMs = 0, ...facts } = {}) {
      const input = seed === undefined ? { prompt: 'x' } : { prompt: 'x', seed, duration: 4 };
      await provider.create({ model: VEO, input, cancelAfterSeconds: 60, signal });
      const made = provider.made.at(-1);
      if (made === undefined) throw new Error('expected the fake provider to have made a prediction');
      return Object.assign(made, { createdAt: new Date(Date.now() - agoMs), ...facts });
    },
    log: () => lines.map((line) => JSON.parse(line) as { level: number; msg: string }),
  };
}

/** Level of an error in the log. */
export const ERROR_LEVEL = 50;
