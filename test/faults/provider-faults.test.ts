/** Every fault of the local Replicate, with what must become of the job that it strikes. Most jobs run at once. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ended } from '../support/running-stack.js';
import { type Fault, type FaultStack, startFaultStack } from './fault-stack.js';
import { describeFigures, figuresOf } from './figures.js';
import { createWebhookSender } from './signed-webhook.js';

const START_LIMIT_MS = 120_000;
const LIMIT_MS = 240_000;
/** Longer than a waiting purchase goes without looking whether it is still wanted. */
const CANCEL_LIMIT_MS = 90_000;
/** A model that failed, and one that does not like the order. */
const BROKEN: Fault = { fault: 'fail', error: 'An unknown error occurred. (E1000)' };
const REFUSED: Fault = { fault: 'fail', error: 'The input was flagged as sensitive. (E005)' };

interface Scenario {
  name: string;
  faults: Fault[];
  /** The end of the job; completed when absent. */
  ends?: string;
  /** The code of its error. */
  code?: string;
  /** How the predictions at the provider ended, by the time of their creation; one that succeeded when absent. */
  bought?: string[];
  /** Cancelled once its purchase is known. */
  cancelled?: boolean;
}

const SCENARIOS: Scenario[] = [
  { name: 'http-429: the purchase is refused for now', faults: [{ fault: 'http-429' }] },
  { name: 'http-500: the purchase fails without being made', faults: [{ fault: 'http-500' }] },
  { name: 'created-500: made, and answered with 500', faults: [{ fault: 'created-500' }] },
  { name: 'lost-answer: made, and the connection cut', faults: [{ fault: 'lost-answer' }] },
  {
    name: 'list-lag: made, the answer lost, and the list late',
    faults: [{ fault: 'lost-answer' }, { fault: 'list-lag', delayMs: 8_000 }, { fault: 'no-webhook' }],
  },
  {
    name: 'a list that fails while a lost answer is looked for',
    faults: [{ fault: 'lost-answer' }, { fault: 'no-webhook' }, { fault: 'http-500', on: 'list', times: 3, match: {} }],
  },
  { name: 'input-erased: the list shows no inputs', faults: [{ fault: 'input-erased' }] },
  {
    name: 'hang: it never ends, and the job is cancelled',
    faults: [{ fault: 'hang' }],
    cancelled: true,
    ends: 'cancelled',
    bought: ['canceled'],
  },
  {
    name: 'slow: cancelled while it runs, and the cancel fails twice',
    faults: [
      { fault: 'slow', delayMs: 60_000 },
      { fault: 'http-500', on: 'cancel', times: 2 },
    ],
    cancelled: true,
    ends: 'cancelled',
    bought: ['canceled'],
  },
  { name: 'slow: it takes its time', faults: [{ fault: 'slow', delayMs: 6_000 }] },
  { name: 'no-webhook: nobody says that it ended', faults: [{ fault: 'no-webhook' }] },
  { name: 'duplicate-webhook: it is said twice', faults: [{ fault: 'duplicate-webhook' }] },
  { name: 'late-webhook: it is said after it was seen', faults: [{ fault: 'late-webhook', delayMs: 6_000 }] },
  { name: 'truncated-file: the first download breaks off', faults: [{ fault: 'truncated-file', bytes: 1_000 }] },
  { name: 'a download that fails twice', faults: [{ fault: 'http-500', on: 'download', times: 2 }] },
  { name: 'a poll that fails twice', faults: [{ fault: 'no-webhook' }, { fault: 'http-500', on: 'get', times: 2 }] },
  {
    name: 'expired-output: the link is dead',
    faults: [{ fault: 'expired-output' }],
    ends: 'failed',
    code: 'OUTPUT_LOST',
  },
  {
    name: 'fail: the content is refused, which nobody tries again',
    faults: [REFUSED],
    ends: 'failed',
    code: 'PROVIDER_REFUSED_CONTENT',
    bought: ['failed'],
  },
  {
    name: 'fail: the model breaks twice, and then works',
    faults: [{ ...BROKEN, times: 2 }],
    bought: ['failed', 'failed', 'succeeded'],
  },
  {
    name: 'fail: the model breaks each time',
    faults: [{ ...BROKEN, times: 3 }],
    ends: 'failed',
    code: 'PROVIDER_FAULT',
    bought: ['failed', 'failed', 'failed'],
  },
  { name: 'aborted: it is ended before it starts', faults: [{ fault: 'aborted' }], bought: ['aborted', 'succeeded'] },
  {
    name: 'the answer lost, the model broken and no webhook, at once',
    faults: [{ fault: 'lost-answer' }, BROKEN, { fault: 'no-webhook' }],
    bought: ['failed', 'succeeded'],
  },
];

let faults: FaultStack;
beforeAll(async () => {
  faults = await startFaultStack();
}, START_LIMIT_MS);
afterAll(() => faults.stop(), START_LIMIT_MS);

/** The end of a job and of all that was bought for it. */
async function endOf(
  jobId: string,
  prompt: string,
  limitMs = LIMIT_MS,
): Promise<{ status: string; code?: string; bought: string[] }> {
  const { status, error } = await faults.stack.until(jobId, ended, limitMs);
  const bought = (await faults.stack.bought(prompt)).map((prediction) => prediction.status);
  return { status, bought, ...(error !== null && { code: error.code }) };
}

const COMPLETED = { status: 'completed', bought: ['succeeded'] };

describe('a job that is struck by', () => {
  it.concurrent.each(SCENARIOS)(
    '$name',
    async ({ name, faults: armed, cancelled = false, ends = 'completed', code, bought = ['succeeded'] }) => {
      const jobId = await faults.order(name, armed);
      if (cancelled) {
        await faults.untilState(jobId, 'known', LIMIT_MS);
        await faults.customer.cancel(jobId);
      }
      expect(await endOf(jobId, name)).toEqual({ status: ends, bought, ...(code !== undefined && { code }) });
      const left = (await faults.faultsLeft()).filter(({ match }) => match.promptIncludes === name);
      expect(left, 'every fault has struck').toEqual([]);
    },
    LIMIT_MS,
  );

  it.concurrent(
    'a failure that somebody decides to try again',
    async () => {
      const prompt = 'refused once, then tried again by hand';
      const jobId = await faults.order(prompt, [REFUSED], { onClipFailure: 'wait' });
      await faults.untilClip(jobId, 'needs_attention', LIMIT_MS);
      await faults.customer.decide(jobId, 1, 'retry');
      expect(await endOf(jobId, prompt)).toEqual({ status: 'completed', bought: ['failed', 'succeeded'] });
    },
    LIMIT_MS,
  );

  it.concurrent(
    'a webhook that comes before the answer to the purchase is recorded',
    async () => {
      const prompt = 'told before it is known';
      const gate = await faults.arm({ from: 'posting', to: 'known' }, prompt);
      const jobId = await faults.order(prompt);
      await gate.caught(LIMIT_MS);
      const [prediction] = await faults.stack.bought(prompt);
      await untilInbox(prediction?.id, 1);
      await gate.letGo();
      expect(await endOf(jobId, prompt)).toEqual(COMPLETED);
    },
    LIMIT_MS,
  );

  it.concurrent(
    'a webhook of its first attempt that comes after the second attempt is stored',
    async () => {
      const prompt = 'told of its failure after its success';
      const jobId = await faults.order(prompt, [BROKEN, { fault: 'late-webhook', delayMs: 10_000 }]);
      const end = { status: 'completed', bought: ['failed', 'succeeded'] };
      expect(await endOf(jobId, prompt)).toEqual(end);
      const [first] = await faults.stack.bought(prompt);
      await untilInbox(first?.id, 1);
      expect(await endOf(jobId, prompt)).toEqual(end);
    },
    LIMIT_MS,
  );

  it.concurrent(
    'a webhook of its start that comes after the one of its end, and the one of its end once more',
    async () => {
      const prompt = 'told of its end before its start';
      const jobId = await faults.order(prompt);
      expect(await endOf(jobId, prompt)).toEqual(COMPLETED);
      const [prediction] = await faults.stack.bought(prompt);
      const send = await createWebhookSender(faults.stack.state());
      for (const status of ['processing', 'starting', 'failed']) await send({ ...prediction, status, output: null });
      await untilInbox(prediction?.id, 4);
      expect(await endOf(jobId, prompt)).toEqual(COMPLETED);
    },
    LIMIT_MS,
  );
});

/** Waits until that many webhooks of the prediction have come. */
async function untilInbox(predictionId: string | undefined, webhooks: number): Promise<void> {
  const count = 'SELECT count(*)::int AS n FROM webhook_inbox WHERE prediction_id = $1';
  await vi.waitFor(async () => {
    expect(await faults.sql.query(count, [predictionId])).toEqual([{ n: webhooks }]);
  }, LIMIT_MS);
}

describe('an account without credit', () => {
  it(
    'pauses all purchases, uses up no attempt for any that waits, and lets all go on once one was bought',
    async () => {
      const prompts = ['without credit, 1', 'without credit, 2', 'without credit, 3'];
      await faults.stack.arm({ fault: 'http-402', times: 3, match: { promptIncludes: 'without credit' } });
      const jobs = await Promise.all(prompts.map((prompt) => faults.order(prompt)));
      await vi.waitFor(async () => expect(await pauses()).toEqual(['PROVIDER_ACCOUNT']), LIMIT_MS);
      const ends = await Promise.all(jobs.map((jobId, n) => endOf(jobId, prompts[n] ?? '')));
      expect(ends).toEqual(prompts.map(() => COMPLETED));
      expect(await pauses()).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'is in order again when a purchase was made, even where its answer was lost',
    async () => {
      const prompt = 'credit again, and the answer lost';
      const jobId = await faults.order(prompt, [{ fault: 'http-402' }, { fault: 'lost-answer' }]);
      expect(await endOf(jobId, prompt)).toEqual(COMPLETED);
      expect(await pauses()).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('purchasing that somebody has paused', () => {
  it(
    'keeps no job that is cancelled while its purchase waits',
    async () => {
      const prompt = 'cancelled while purchasing is paused';
      await faults.sql.query(
        `INSERT INTO purchasing_paused (code, reason, paused_by) VALUES ('PURCHASING_PAUSED', 'a test', 'somebody')
         ON CONFLICT (singleton) DO UPDATE SET probe_at = NULL`,
      );
      try {
        const jobId = await faults.order(prompt);
        await untilPrepared(jobId);
        await faults.customer.cancel(jobId);
        expect(await endOf(jobId, prompt, CANCEL_LIMIT_MS)).toEqual({ status: 'cancelled', bought: [] });
      } finally {
        await faults.sql.query('DELETE FROM purchasing_paused');
      }
    },
    LIMIT_MS,
  );
});

/** After this only the purchase is left to do. */
async function untilPrepared(jobId: string): Promise<void> {
  const prepared = 'SELECT prepared_inputs IS NOT NULL AS prepared FROM clips WHERE job_id = $1';
  await vi.waitFor(async () => {
    expect(await faults.sql.query(prepared, [jobId])).toEqual([{ prepared: true }]);
  }, LIMIT_MS);
}

async function pauses(): Promise<string[]> {
  return (await faults.sql.query<{ code: string }>('SELECT code FROM purchasing_paused')).map(({ code }) => code);
}

it('in the end the figures are right', async () => {
  const figures = figuresOf(await faults.evidence());
  expect(
    figures.filter(({ ok }) => !ok),
    describeFigures(figures),
  ).toEqual([]);
});

describe('a purchase of which nobody can say any more whether it was made', () => {
  it(
    'is not made again: somebody has to decide',
    async () => {
      const prompt = 'its answer lost and its inputs erased';
      const jobId = await faults.order(prompt, [{ fault: 'lost-answer' }, { fault: 'input-erased' }]);
      await faults.untilState(jobId, 'unknown', LIMIT_MS);
      // As if the provider had erased the inputs of everything since.
      await faults.sql.query(`UPDATE predictions SET post_by = post_by - interval '51 minutes' WHERE job_id = $1`, [
        jobId,
      ]);
      await faults.untilClip(jobId, 'needs_attention', LIMIT_MS);
      expect((await faults.stack.api.job(jobId)).clips[0]?.error?.code).toBe('PURCHASE_UNKNOWN');
      await faults.customer.decide(jobId, 1, 'fail');
      expect(await endOf(jobId, prompt)).toEqual({ status: 'failed', code: 'PURCHASE_UNKNOWN', bought: ['succeeded'] });
    },
    LIMIT_MS,
  );
});
