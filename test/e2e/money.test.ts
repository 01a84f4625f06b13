/** What a customer sees of the guarded purchases, over HTTP and through every real part. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoJob } from '../../dev/demo-client.js';
import { drawDemoImages } from '../../dev/demo-images.js';
import { replayAndStop } from '../support/replay-stack.js';
import { ended, type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 180_000;
/** A clip of 4 s by the default model, without sound. */
const CLIP_USD = 0.4;

interface Answer {
  status: number;
  data: Record<string, never> & DemoJob;
  error: { code: string; message: string } | null;
}

interface Purchase {
  subject: string;
  attempt: number;
  state: string;
  openedBy: string;
  providerId: string | null;
  costUsd: number | null;
}

let stack: RunningStack;
let images: Server;
let imagesUrl: string;
beforeAll(async () => {
  const [image] = await drawDemoImages();
  images = createServer((_request, response) => {
    response.setHeader('content-type', 'image/jpeg').end(image?.data);
  });
  images.listen(0, '127.0.0.1');
  await once(images, 'listening');
  const { port } = images.address() as AddressInfo;
  imagesUrl = `http://127.0.0.1:${port}`;
  stack = await startRunningStack({
    PRIVATE_ADDRESSES_ALLOWED: `127.0.0.1:${port}`,
    PURCHASING_PROBE_MS: '1000',
  });
}, LIMIT_MS);
afterAll(async () => {
  await replayAndStop(stack);
  images.close();
}, LIMIT_MS);

async function call(method: string, path: string, body?: unknown, headers: object = {}): Promise<Answer> {
  const { apiUrl, apiKey } = stack.state();
  const response = await fetch(`${apiUrl}/api/v3${path}`, {
    method,
    headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) };
}

const clips = (prompt: string, count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ prompt: `${prompt}, ${index + 1}`, durationSeconds: 4 }));

const order = (prompt: string, count: number, more: object = {}): Promise<DemoJob> =>
  stack.api.orderVideo({ kind: 'clips', resolution: '720p', clips: clips(prompt, count), ...more });

const end = (jobId: string): Promise<DemoJob> => stack.until(jobId, ended, LIMIT_MS);
const attention = (jobId: string): Promise<DemoJob> =>
  stack.until(jobId, (job) => job.status === 'needs_attention' || ended(job), LIMIT_MS);

async function purchases(jobId: string): Promise<Purchase[]> {
  const { data } = await call('GET', `/jobs/${jobId}/ledger`);
  return (data as unknown as { purchases: Purchase[] }).purchases;
}

const refuse = (prompt: string, times = 1): Promise<void> =>
  stack.arm({ fault: 'fail', error: 'flagged as sensitive (E005)', match: { promptIncludes: prompt }, times });

describe('a refused clip', () => {
  it(
    'waits, is decided about with another prompt, and the video is whole; only that clip was bought again',
    async () => {
      const prompt = 'a decided room';
      await refuse(`${prompt}, 1`);
      const { id } = await order(prompt, 2);
      const waiting = await attention(id);
      expect(waiting).toMatchObject({ status: 'needs_attention', error: { code: 'PROVIDER_REFUSED_CONTENT' } });
      expect((await call('POST', `/jobs/${id}/clips/2/decision`, { decision: 'retry' })).error?.code).toBe(
        'WRONG_STATE',
      );
      const headers = { 'Idempotency-Key': 'decide-once' };
      const body = { decision: 'retry', prompt: `${prompt}, changed` };
      const first = await call('POST', `/jobs/${id}/clips/1/decision`, body, headers);
      expect(first.status).toBe(202);
      expect((await end(id)).status).toBe('completed');
      expect((await call('POST', `/jobs/${id}/clips/1/decision`, body, headers)).status).toBe(202);
      const bought = await stack.bought(prompt);
      expect(bought.map(({ input }) => input['prompt']).sort()).toEqual([
        `${prompt}, 1`,
        `${prompt}, 2`,
        `${prompt}, changed`,
      ]);
    },
    LIMIT_MS,
  );

  it(
    'that is skipped leaves a gap; a retry buys that clip alone, and a regenerated one replaces only itself',
    async () => {
      const prompt = 'a skipped room';
      await refuse(`${prompt}, 2`);
      const { id } = await order(prompt, 3, { onClipFailure: 'skip' });
      const gap = await end(id);
      expect(gap.status).toBe('completed_with_gaps');
      expect(gap.warnings).toEqual([expect.stringContaining('clip 2 is missing')]);
      const gapUrl = gap.videoUrl;

      expect((await call('POST', `/jobs/${id}/actions`, { action: 'retry' })).status).toBe(202);
      const whole = await end(id);
      expect(whole).toMatchObject({ status: 'completed', warnings: [] });
      expect(whole.videoUrl).not.toBe(gapUrl);
      expect(await stack.bought(prompt)).toHaveLength(4);

      const again = await call('POST', `/jobs/${id}/clips/3/regenerate`, { prompt: `${prompt}, made anew` });
      expect(again.status).toBe(202);
      expect(again.data.videoUrl).toBe(whole.videoUrl);
      const { apiUrl, apiKey } = stack.state();
      const old = await fetch(apiUrl + whole.videoUrl, { method: 'HEAD', headers: { 'X-API-Key': apiKey } });
      expect(old.status).toBe(200);
      const anew = await end(id);
      expect(anew.status).toBe('completed');
      expect(anew.videoUrl).not.toBe(whole.videoUrl);
      expect(await stack.bought(prompt)).toHaveLength(5);
      expect(
        (await purchases(id)).map(({ subject, attempt, openedBy, state }) => [subject, attempt, openedBy, state]),
      ).toEqual(
        expect.arrayContaining([
          ['clip:1', 1, 'order', 'stored'],
          ['clip:2', 1, 'order', 'failed'],
          ['clip:2', 2, 'retry', 'stored'],
          ['clip:3', 1, 'order', 'stored'],
          ['clip:3', 2, 'regenerate', 'stored'],
        ]),
      );
      expect(anew.actualCostUsd).toBeCloseTo(4 * CLIP_USD);
    },
    LIMIT_MS,
  );

  it(
    'fails the job where that was ordered, and a retry goes on from what is stored',
    async () => {
      const prompt = 'a failed room';
      await refuse(`${prompt}, 1`);
      const { id } = await order(prompt, 1, { onClipFailure: 'fail' });
      expect((await end(id)).status).toBe('failed');
      expect((await call('POST', `/jobs/${id}/clips/1/regenerate`, {})).error?.code).toBe('WRONG_STATE');
      expect((await call('POST', `/jobs/${id}/actions`, { action: 'retry' })).status).toBe(202);
      expect((await end(id)).status).toBe('completed');
    },
    LIMIT_MS,
  );
});

describe('a cancel', () => {
  it(
    'reaches the provider and the rows, is final, and may be repeated',
    async () => {
      const prompt = 'a cancelled room';
      await stack.arm({ fault: 'hang', match: { promptIncludes: prompt }, times: -1 });
      const { id } = await order(prompt, 2);
      await expect.poll(() => stack.bought(prompt), { timeout: 60_000 }).toHaveLength(2);
      expect([200, 202]).toContain((await call('POST', `/jobs/${id}/actions`, { action: 'cancel' })).status);
      const cancelled = await end(id);
      expect(cancelled.status).toBe('cancelled');
      expect(cancelled.clips.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
      expect((await stack.bought(prompt)).map(({ status }) => status)).toEqual(['canceled', 'canceled']);
      expect((await call('POST', `/jobs/${id}/actions`, { action: 'cancel' })).status).toBe(200);
      expect((await call('POST', `/jobs/${id}/actions`, { action: 'retry' })).error?.code).toBe('WRONG_STATE');
    },
    LIMIT_MS,
  );
});

describe('money', () => {
  it(
    'of a budget is not passed: the clip beyond it waits, and goes on when the budget is raised',
    async () => {
      const prompt = 'a dear room';
      const { id } = await order(prompt, 2, { budgetUsd: 1.5 * CLIP_USD });
      const waiting = await attention(id);
      expect(waiting).toMatchObject({ status: 'needs_attention', error: { code: 'BUDGET_EXCEEDED' } });
      const number = waiting.clips.findIndex(({ status }) => status === 'needs_attention') + 1;
      const decision = (body: object): Promise<Answer> =>
        call('POST', `/jobs/${id}/clips/${number}/decision`, { decision: 'retry', ...body });
      const refused = await decision({});
      expect([refused.status, refused.error?.code]).toEqual([422, 'BUDGET_EXCEEDED']);
      expect((await decision({ budgetUsd: 1 })).status).toBe(202);
      expect((await end(id)).status).toBe('completed');
      expect(await stack.bought(prompt)).toHaveLength(2);
    },
    LIMIT_MS,
  );

  it(
    'that the account lacks pauses purchasing, which /health/ready shows, until a probe is bought',
    async () => {
      const prompt = 'an unpaid room';
      await stack.arm({ fault: 'http-402', match: { promptIncludes: prompt }, times: 2 });
      const { id } = await order(prompt, 1);
      const ready = async (): Promise<unknown> => {
        const response = await fetch(`${stack.state().apiUrl}/health/ready`);
        return ((await response.json()) as { data: { parts: { purchasing: string } } }).data.parts.purchasing;
      };
      await expect.poll(ready, { timeout: 60_000, interval: 50 }).toBe('paused');
      expect((await end(id)).status).toBe('completed');
      expect(await ready()).toBe('ready');
      expect(await stack.bought(prompt)).toHaveLength(1);
    },
    LIMIT_MS,
  );

  it('is told before anything is ordered', async () => {
    const { status, data } = await call('POST', '/jobs/dry-run', { kind: 'clips', clips: clips('a priced room', 3) });
    expect(status).toBe(200);
    expect(data).toMatchObject({ estimatedCostUsd: 1.2 });
    expect(await stack.bought('a priced room')).toEqual([]);
  });
});

describe('an order', () => {
  it(
    'with the same key is one job, also when both come at once',
    async () => {
      const prompt = 'a keyed room';
      const body = { kind: 'clips', resolution: '720p', clips: clips(prompt, 1) };
      const post = (): Promise<Answer> => call('POST', '/jobs', body, { 'Idempotency-Key': 'the same' });
      const answers = await Promise.all([post(), post(), post()]);
      expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true);
      const again = await post();
      expect(again.status).toBe(202);
      const taken = answers.filter(({ status }) => status === 202).map(({ data }) => data.id);
      expect(new Set([...taken, again.data.id]).size).toBe(1);
      expect((await end(again.data.id)).status).toBe('completed');
      expect(await stack.bought(prompt)).toHaveLength(1);
      const other = await call('POST', '/jobs', { ...body, name: 'another' }, { 'Idempotency-Key': 'the same' });
      expect([other.status, other.error?.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    },
    LIMIT_MS,
  );

  it(
    'may name images by address, which are fetched into assets before anything is bought',
    async () => {
      const prompt = 'a linked room';
      const [clip] = clips(prompt, 1);
      const { id } = await stack.api.orderVideo({
        kind: 'clips',
        resolution: '720p',
        clips: [{ ...clip, firstImage: { url: `${imagesUrl}/pool.jpg` } }],
      });
      expect((await end(id)).status).toBe('completed');
      const [bought] = await stack.bought(prompt);
      expect(String(bought?.input['image'])).toContain(stack.state().apiUrl);
    },
    LIMIT_MS,
  );
});
