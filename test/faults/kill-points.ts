/** Where a purchase is held for the kill tests: every transition of the ledger, and how a job gets there. */
import type { FaultStack } from './fault-stack.js';
import type { Gate, Held, Transition } from './gates.js';

/** Long enough for an absence (the window of the POST, then two lists 10 s apart) behind the blow before, on a busy machine. */
const CATCH_LIMIT_MS = 240_000;

/** A job whose ledger waits at a transition. */
export interface HeldJob {
  jobId: string;
  gate: Gate;
  held: Held;
}

export interface KillPoint {
  name: string;
  transition: Transition;
  /** Brings a job to the transition; the prompt is its own. */
  reach(faults: FaultStack, prompt: string): Promise<HeldJob>;
  /** The end of its job. */
  ends: 'completed' | 'failed' | 'cancelled';
  /** How what was bought for it ended, in order. */
  bought: string[];
}

/** The job once it is held; when it is not, the error says how far it has come. */
async function caughtAt(faults: FaultStack, jobId: string, gate: Gate): Promise<HeldJob> {
  try {
    return { jobId, gate, held: await gate.caught(CATCH_LIMIT_MS) };
  } catch (error) {
    throw new Error(`job ${jobId} is at ${await faults.whereabouts(jobId)}`, { cause: error });
  }
}

type Facts = Omit<KillPoint, 'reach' | 'ends' | 'bought'> & Partial<KillPoint>;

/** A point that an order reaches by itself under these faults. */
function point(facts: Facts, armed: readonly Record<string, unknown>[] = []): KillPoint {
  return {
    ends: 'completed',
    bought: ['succeeded'],
    async reach(faults, prompt) {
      const gate = await faults.arm(facts.transition, prompt);
      const jobId = await faults.order(prompt, armed);
      return await caughtAt(faults, jobId, gate);
    },
    ...facts,
  };
}

const POLLED = { fault: 'no-webhook' };
const REFUSED = { fault: 'fail', error: 'The input was flagged as sensitive. (E005)' };
/** Without its webhook, which may be faster than the loss is noticed, and then tells the ledger of the purchase first. */
const LOST = [{ fault: 'lost-answer' }, POLLED];

/**
 * Until the provider's id is in the ledger. The intent comes last: its transaction may hold rows that the others need
 * on their way.
 */
export const PURCHASE: readonly KillPoint[] = [
  point({ name: 'the right to post', transition: { from: 'intended', to: 'posting' } }),
  point({ name: 'the answer of the provider', transition: { from: 'posting', to: 'known' } }),
  point({ name: 'the loss of the answer', transition: { from: 'posting', to: 'unknown' } }, LOST),
  point({ name: 'the refusal of the provider', transition: { from: 'posting', to: 'failed' } }, [
    { fault: 'http-429' },
  ]),
  point({ name: 'the adoption', transition: { from: 'unknown', to: 'known' } }, LOST),
  point({ name: 'the intent', transition: { from: null, to: 'intended' } }),
];

/** From the provider's id to the stored output. */
export const OUTCOME: readonly KillPoint[] = [
  point({ name: 'success, seen by a poll', transition: { from: 'known', to: 'succeeded' } }, [POLLED]),
  point({ name: 'success, told by a webhook', transition: { from: 'known', to: 'succeeded' } }),
  point(
    {
      name: 'failure',
      transition: { from: 'known', to: 'failed' },
      ends: 'failed',
      bought: ['failed'],
    },
    [POLLED, REFUSED],
  ),
  point(
    {
      name: 'an end before the start',
      transition: { from: 'known', to: 'aborted' },
      bought: ['aborted', 'succeeded'],
    },
    [{ fault: 'aborted' }],
  ),
  point({
    name: 'the cancel of a running prediction',
    transition: { from: 'known', to: 'canceled' },
    ends: 'cancelled',
    bought: ['canceled'],
    async reach(faults, prompt) {
      const gate = await faults.arm({ from: 'known', to: 'canceled' }, prompt);
      const jobId = await faults.order(prompt, [{ fault: 'hang' }]);
      await faults.untilState(jobId, 'known', CATCH_LIMIT_MS);
      await faults.customer.cancel(jobId);
      return await caughtAt(faults, jobId, gate);
    },
  }),
  point({
    name: 'the cancel of an intent',
    transition: { from: 'intended', to: 'canceled' },
    ends: 'cancelled',
    bought: [],
    async reach(faults, prompt) {
      const posting = await faults.arm({ from: 'intended', to: 'posting' }, prompt);
      const gate = await faults.arm({ from: 'intended', to: 'canceled' }, prompt);
      const jobId = await faults.order(prompt);
      await posting.caught(CATCH_LIMIT_MS);
      await faults.customer.cancel(jobId);
      await faults.untilClip(jobId, 'cancelled', CATCH_LIMIT_MS);
      // Its right to post is lost with its connection, and nobody may ask for another.
      await posting.rollBack();
      return await caughtAt(faults, jobId, gate);
    },
  }),
  point({ name: 'the stored output', transition: { from: 'succeeded', to: 'stored' } }),
];

/** By itself: its transaction holds its owner's row, which all other purchases need. */
export const DECISION: readonly KillPoint[] = [
  point({
    name: 'the decision about a clip that waits',
    transition: { from: null, to: 'intended' },
    bought: ['failed', 'succeeded'],
    async reach(faults, prompt) {
      const jobId = await faults.order(prompt, [REFUSED], { onClipFailure: 'wait' });
      await faults.untilClip(jobId, 'needs_attention', CATCH_LIMIT_MS);
      const gate = await faults.arm({ from: null, to: 'intended' }, prompt);
      // Held for longer than the api waits: what counts is what becomes of the job, and not this answer.
      void faults.customer.decide(jobId, 1, 'retry').catch(() => undefined);
      return await caughtAt(faults, jobId, gate);
    },
  }),
];

/** Half a minute away: a purchase that was never made, and of which nobody knew that. */
export const ABSENCE: readonly KillPoint[] = [
  point({ name: 'the proof of absence', transition: { from: 'unknown', to: 'failed' } }, [{ fault: 'http-500' }]),
];
