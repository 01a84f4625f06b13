import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { Purchase } from '../domain/activity-contract.js';
import { type GenerationInput, generationId } from '../domain/contract.js';
import { ERRORS, ReelwrightError } from '../domain/errors.js';
import { CANCEL_AFTER_SECONDS, POST_MARGIN_MS } from '../domain/purchase.js';
import {
  grantPost,
  type LedgerRow,
  latestPurchase,
  recordKnown,
  recordNotCreated,
  recordUnknown,
} from '../storage/ledger.js';
import type { ActivityDeps } from './deps.js';
import { failureOf, purchaseEnded } from './failure-of.js';
import { needsDecision, needsIntent, openIntent } from './intent.js';
import { prepareInputs } from './prepared-inputs.js';
import { requireClip } from './required-rows.js';
import { findPurchaseAtProvider } from './resolve-purchase.js';

/** What a heartbeat carries from one attempt of the activity to the next: an answer that may not be in the row yet. */
interface Answer {
  purchaseId: string;
  predictionId: string;
}

/**
 * Buys the subject unless it is bought: at most one POST for each row of the ledger, and a row whose POST has no known
 * end is looked for at the provider before anything else. Resolves with the prediction's id once the row holds it.
 */
export function createBuy(deps: ActivityDeps): (subject: GenerationInput) => Promise<Purchase> {
  return async (subject) => {
    const context = Context.current();
    await repairFromHeartbeat(deps, context.info.heartbeatDetails as Answer | undefined);
    context.heartbeat();

    const row = await rowFor(deps, subject, context.cancellationSignal);
    if (row.providerId !== null) return { predictionId: row.providerId, attempt: row.attempt };
    switch (row.state) {
      case 'intended':
        return await post(deps, subject, row);
      case 'posting':
      case 'unknown':
        return await findPurchaseAtProvider(deps, row, context.cancellationSignal);
      case 'known':
      case 'succeeded':
      case 'stored':
      case 'failed':
      case 'canceled':
      case 'aborted':
        throw purchaseEnded(row);
    }
  };
}

/** The lease is this attempt's own: whoever takes the intent over takes the right to post with it. */
type LeasedRow = LedgerRow & { lease: string };

async function rowFor(deps: ActivityDeps, subject: GenerationInput, signal: AbortSignal): Promise<LeasedRow> {
  const lease = randomUUID();
  const latest = await latestPurchase(deps.knex, subject.jobId, subject.subject);
  if (latest !== undefined && needsDecision(latest)) throw purchaseEnded(latest);
  if (latest !== undefined && latest.state !== 'intended' && !needsIntent(latest)) return { ...latest, lease };
  const clip = await requireClip(deps.knex, subject);
  const inputs = await prepareInputs(deps, clip, signal);
  return { ...(await openIntent(deps.knex, subject, lease, inputs)), lease };
}

async function post(deps: ActivityDeps, subject: GenerationInput, row: LeasedRow): Promise<Purchase> {
  const { knex, provider, logger } = deps;
  // Counted from before the commit, so that our clock never believes in more time than the database gave.
  const asked = performance.now();
  const left = await grantPost(knex, row.id, row.lease);
  if (left === undefined) {
    throw new ReelwrightError('PURCHASE_PENDING', `another worker holds the right to post for ${subject.subject}`);
  }
  const result = await provider.create({
    model: row.model as `${string}/${string}`,
    input: row.input,
    ...webhook(deps, subject),
    cancelAfterSeconds: CANCEL_AFTER_SECONDS,
    signal: AbortSignal.timeout(Math.max(0, Math.floor(left - POST_MARGIN_MS - (performance.now() - asked)))),
  });
  const facts = { jobId: row.jobId, subject: row.subject, attempt: row.attempt };
  if (result.kind === 'created') {
    const predictionId = result.prediction.id;
    Context.current().heartbeat({ purchaseId: row.id, predictionId } satisfies Answer);
    if (!(await recordKnown(knex, row.id, predictionId))) {
      // Somebody resolved the row without this answer: a second prediction for it is nobody's.
      await provider.cancel(predictionId);
      throw new ReelwrightError(
        'PURCHASE_PENDING',
        `prediction ${predictionId} came too late for its row and was canceled`,
      );
    }
    logger.info({ ...facts, predictionId }, 'bought');
    return { predictionId, attempt: row.attempt };
  }
  const { error } = result;
  if (result.kind === 'not-created') {
    await recordNotCreated(knex, row.id, failureOf(error));
    logger.warn({ ...facts, code: error.code }, 'not bought');
    if (!ERRORS[error.code].retry) throw purchaseEnded({ ...row, state: 'failed', error: failureOf(error) });
    throw error;
  }
  await recordUnknown(knex, row.id, failureOf(error));
  logger.warn({ ...facts, code: error.code }, 'nobody can say whether it was bought');
  throw new ReelwrightError(
    'PURCHASE_PENDING',
    `the answer to the purchase of ${subject.subject} was lost; looking for it`,
    {
      cause: error,
      retryAfterMs: deps.settings.adoptionPauseMs,
    },
  );
}

/** The link names the generation as a hint; what counts is the signed body. */
function webhook({ publicUrl }: ActivityDeps, { jobId, subject }: GenerationInput): { webhookUrl?: string } {
  if (publicUrl === undefined) return {};
  return { webhookUrl: `${publicUrl}/api/v3/webhooks/replicate?workflow=${generationId(jobId, subject)}` };
}

async function repairFromHeartbeat({ knex, provider }: ActivityDeps, answer: Answer | undefined): Promise<void> {
  if (answer === undefined) return;
  if (!(await recordKnown(knex, answer.purchaseId, answer.predictionId))) await provider.cancel(answer.predictionId);
}
