/** The whole embedded stack for one test file: every part a process of its own, data in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DemoClient, type DemoJob } from '../../dev/demo-client.js';
import { drawDemoImages } from '../../dev/demo-images.js';
import { Stack } from '../../dev/stack.js';
import { readState, type StackState } from '../../dev/stack-state.js';
import type { Bought } from './local-replicate.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Variables of whoever runs the tests that would replace a part of the stack under test. */
const REPLACING = /^(DATABASE_URL|TEMPORAL_(?!CLI_PATH)|REPLICATE_|PUBLIC_URL|SECRET_KEY|PORT$|HOST$)/;
const POLL_MS = 200;

export interface RunningStack {
  /** Where its data, secrets and logs lie. */
  folder: string;
  api: DemoClient;
  state(): StackState;
  /** A campaign with the six demo images: two each of three rooms. */
  campaign(): Promise<{ campaignId: string; images: { assetId: string; data: Buffer; tags: string[] }[] }>;
  until(jobId: string, reached: (job: DemoJob) => boolean, limitMs: number): Promise<DemoJob>;
  arm(fault: Record<string, unknown>): Promise<void>;
  /** What the provider says was bought with this text in its prompt. */
  bought(prompt: string): Promise<Bought[]>;
  stop(): Promise<void>;
}

export async function startRunningStack(env: NodeJS.ProcessEnv = {}): Promise<RunningStack> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-test-stack-'));
  const inherited = Object.entries(process.env).filter(([name]) => !REPLACING.test(name) && !name.startsWith('VITEST'));
  const lines: string[] = [];
  const stack = new Stack({
    root: ROOT,
    folder,
    // What is bought is what the test orders.
    env: { ...Object.fromEntries(inherited), NODE_ENV: 'production', SELF_TEST: 'off', ...env },
    print: (line) => lines.push(line),
  });
  let started: StackState;
  try {
    started = await stack.start();
  } catch (error) {
    throw new Error(`the stack did not start:\n${lines.join('\n')}`, { cause: error });
  }
  const api = new DemoClient(started.apiUrl, started.apiKey, new AbortController().signal);
  const replicate = new URL(started.replicateUrl ?? '').origin;
  return {
    folder,
    api,
    state() {
      const state = readState(join(folder, 'state.json'));
      if (state === undefined) throw new Error('expected a state file of the running stack');
      return state;
    },
    async campaign() {
      const campaignId = await api.createCampaign(await api.createClient('a client'), 'a campaign', 'to show rooms');
      const images = [];
      for (const image of await drawDemoImages()) {
        images.push({ assetId: await api.uploadImage(campaignId, image), data: image.data, tags: image.tags });
      }
      return { campaignId, images };
    },
    async until(jobId, reached, limitMs) {
      const end = performance.now() + limitMs;
      let last: unknown;
      while (performance.now() < end) {
        try {
          const job = await api.job(jobId);
          if (reached(job)) return job;
          last = job;
        } catch (error) {
          // A part of the stack may be down: that is what some tests are about.
          last = error;
        }
        await sleep(POLL_MS);
      }
      throw new Error(
        `not reached in ${limitMs} ms; last seen ${last instanceof Error ? last.message : JSON.stringify(last)}\n${lines.join('\n')}`,
      );
    },
    async arm(fault) {
      const response = await fetch(`${replicate}/_local/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(fault),
      });
      if (!response.ok) throw new Error(`the fault was refused: ${await response.text()}`);
    },
    async bought(prompt) {
      const all = (await (await fetch(`${replicate}/_local/predictions`)).json()) as Bought[];
      return all.filter(({ input }) => String(input['prompt']).includes(prompt));
    },
    async stop() {
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const ended = ({ status }: DemoJob): boolean =>
  ['completed', 'completed_with_gaps', 'failed', 'cancelled'].includes(status);
