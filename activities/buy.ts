import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { Purchase } from '../domain/activity-contract.js';
import { type GenerationInput, generationId } from '../domain/contract.js';
import { ERRORS, isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { versionToRun } from '../domain/music.js';
import { CANCEL_AFTER_SECONDS, POST_MARGIN_MS } from '../domain/purchase.js';
import { seenPrediction } from '../replicate/seen-prediction.js';
import type { CreateResult, Prediction } from '../replicate/video-provider.js';
import { isLongAgo, type LedgerRow, purchasesOf } from '../storage/ledger.js';
import { grantPost, recordKnown, recordNotCreated, recordUnknown } from '../storage/ledger-moves.js';
import { repairPurchase } from '../storage/repair-purchase.js';
import type { PreparedInputs } from '../storage/sub-job.js';
import { purchasesOfSubJob } from '../storage/sub-jobs.js';
import { currentTraceParent } from '../telemetry/spans.js';
import type { ActivityDeps } from './deps.js';
import { failureOf, purchaseEnded } from './failure-of.js';
import { mayBeUnreadable, openIntent } from './intent.js';
import { prepareInputs, verifyInputs } from './prepared-inputs.js';
import { isProbe, liftPause, liftPauseBefore, pauseForAccount } from './purchasing.js';
import { requireSubJob } from './required-rows.js';
import { findPurchaseAtProvider } from './resolve-purchase.js';
import { handleStray } from './strays.js';

/** So long after the provider could not read an image our own link is tried, before somebody is asked. */
const UNREADABLE_FOR_MS = 10 * 60_000;

/** What a heartbeat carries from one attempt of the activity to the next: an answer that may not be in the row yet. */
interface Answer {
  purchaseId: string;
  predictionId: string;
  attempt: number;
}

/**
 * Buys the subject unless it is bought: at most one POST for each row of the ledger, and a row whose POST has no known
 * end is looked for at the provider before anything else. Resolves with the prediction's id once the row holds it.
 */
export function createBuy(deps: ActivityDeps): (subject: GenerationInput) => Promise<Purchase> {
  return async (subject) => {
    const { info, cancellationSignal: signal } = Context.current();
    await repairFromHeartbeat(deps, subject, info.heartbeatDetails as Answer | undefined, signal);

    const lease = randomUUID();
    const row =
      (await openIntent(deps, subject, lease)) ??
      (await openIntent(deps, subject, lease, await readableInputs(deps, subject, signal)));
    if (row.state !== 'intended') return await carryOn(deps, row, signal);
    return await post(deps, row, lease);
  };
}

/** What takes longer than a transaction may: files on their way to the provider, a look at what it could not read. */
async function readableInputs(
  deps: ActivityDeps,
  subject: GenerationInput,
  signal: AbortSignal,
): Promise<PreparedInputs> {
  const subJob = await requireSubJob(deps.knex, subject);
  const [latest] = await purchasesOfSubJob(deps.knex, subJob);
  const inputs = await prepareInputs(deps, subJob, signal);
  if (latest !== undefined && mayBeUnreadable(latest)) {
    await verifyInputs(deps, inputs, signal).catch(async (error: unknown) => {
      if (!isReelwrightError(error, 'IMAGE_UNREACHABLE')) throw error;
      if (!(await isLongAgo(deps.knex, latest.id, 'settled_at', UNREADABLE_FOR_MS))) throw error;
      throw new ReelwrightError('IMAGE_NOT_FETCHED', error.message, { cause: error });
    });
  }
  return inputs;
}

/** A row that was posted: its prediction, or the search for it. */
async function carryOn(deps: ActivityDeps, row: LedgerRow, signal: AbortSignal): Promise<Purchase> {
  if (row.providerId !== null) {
    // A webhook may have told the api of it.
    if (row.adoptedAt !== null) await liftPauseBefore(deps, row);
    return { predictionId: row.providerId, attempt: row.attempt };
  }
  if (row.state === 'posting' || row.state === 'unknown') return await findPurchaseAtProvider(deps, row, signal);
  throw purchaseEnded(row);
}

async function post(deps: ActivityDeps, row: LedgerRow, lease: string): Promise<Purchase> {
  // Counted from before the commit, so that our clock never believes in more time than the database gave.
  const asked = performance.now();
  let probing = false;
  let left = await grantPost(deps.knex, row.id, lease);
  if (left === undefined) {
    probing = await isProbe(deps);
    if (probing) left = await grantPost(deps.knex, row.id, lease, { whilePaused: true });
  }
  if (left === undefined) {
    throw new ReelwrightError('PURCHASE_PENDING', `another worker holds the right to post for ${row.subject}`);
  }
  const result = await create(deps, row, Math.floor(left - POST_MARGIN_MS - (performance.now() - asked)));
  if (result.kind !== 'created') return await notBought(deps, row, result, probing);
  await bought(deps, row, result.prediction);
  if (probing) await liftPause(deps);
  return { predictionId: result.prediction.id, attempt: row.attempt };
}

/** The one POST, given up after `timeMs`; none at all where that is over, as in a process that was frozen meanwhile. */
async function create(deps: ActivityDeps, row: LedgerRow, timeMs: number): Promise<CreateResult> {
  if (timeMs <= 0) {
    const error = new ReelwrightError('PURCHASE_PENDING', `the window of ${row.subject} closed before its POST`);
    return { kind: 'not-created', error };
  }
  const version = versionToRun(row.model);
  return await deps.provider.create({
    model: row.model as `${string}/${string}`,
    ...(version === undefined ? {} : { version }),
    input: row.input,
    ...webhook(deps, row),
    cancelAfterSeconds: CANCEL_AFTER_SECONDS,
    signal: AbortSignal.timeout(timeMs),
  });
}

async function bought(deps: ActivityDeps, row: LedgerRow, prediction: Prediction): Promise<void> {
  const predictionId = prediction.id;
  // The first and only one: after another, the SDK would keep this one back for most of the heartbeat timeout.
  Context.current().heartbeat({ purchaseId: row.id, predictionId, attempt: row.attempt } satisfies Answer);
  if (!(await recordKnown(deps.knex, row.id, predictionId))) {
    await tooLate(deps, row, prediction);
    throw new ReelwrightError('PURCHASE_PENDING', `prediction ${predictionId} came too late for its row`);
  }
  deps.logger.info({ ...factsOf(row), predictionId }, 'bought');
}

async function notBought(
  deps: ActivityDeps,
  row: LedgerRow,
  { kind, error }: Exclude<CreateResult, { kind: 'created' }>,
  probing: boolean,
): Promise<never> {
  const failure = failureOf(error);
  if (kind === 'unknown') {
    await recordUnknown(deps.knex, row.id, failure);
    deps.logger.warn({ ...factsOf(row), code: error.code }, 'nobody can say whether it was bought');
    throw new ReelwrightError(
      'PURCHASE_PENDING',
      `the answer to the purchase of ${row.subject} was lost; looking for it`,
      { cause: error, retryAfterMs: deps.settings.adoptionPauseMs },
    );
  }
  await recordNotCreated(deps.knex, row.id, failure);
  deps.logger.warn({ ...factsOf(row), code: error.code }, 'not bought');
  if (error.code === 'PROVIDER_ACCOUNT') {
    await pauseForAccount(deps, error, { probing });
    const { message, details } = error;
    const retryAfterMs = deps.settings.pausedPauseMs;
    throw new ReelwrightError('PROVIDER_ACCOUNT', message, { cause: error, retryAfterMs, ...(details && { details }) });
  }
  if (!ERRORS[error.code].retry) throw purchaseEnded({ ...row, state: 'failed', error: failure });
  throw error;
}

/** The link names the generation as a hint, and the trace that is being recorded; what counts is the signed body. */
function webhook({ publicUrl }: ActivityDeps, { jobId, subject }: GenerationInput): { webhookUrl?: string } {
  if (publicUrl === undefined) return {};
  const trace = currentTraceParent();
  const query = `workflow=${generationId(jobId, subject)}${trace === undefined ? '' : `&traceparent=${trace}`}`;
  return { webhookUrl: `${publicUrl}/api/v3/webhooks/replicate?${query}` };
}

/** Somebody resolved the row without this answer: a second prediction for it is nobody's. */
async function tooLate(deps: ActivityDeps, row: LedgerRow, prediction: Prediction): Promise<void> {
  const reason = `it was created for attempt ${row.attempt} of ${row.subject}, which was resolved without it`;
  await handleStray(deps, prediction, { purchase: row, reason });
}

async function repairFromHeartbeat(
  deps: ActivityDeps,
  { jobId, subject }: GenerationInput,
  answer: Answer | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (answer === undefined || (await recordKnown(deps.knex, answer.purchaseId, answer.predictionId))) return;
  const { purchaseId, predictionId, attempt } = answer;
  const rows = await purchasesOf(deps.knex, jobId, subject);
  if (rows.some(({ providerId }) => providerId === predictionId)) return;
  const prediction = await deps.provider.get(predictionId, { signal });
  const row = rows.find(({ id }) => id === purchaseId);
  if (row !== undefined) {
    await tooLate(deps, row, prediction);
    return;
  }
  // The database has fallen back behind the intent.
  const forgotten = { jobId, subject, attempt, seen: seenPrediction(prediction), input: prediction.input };
  await repairPurchase(deps.knex, forgotten);
  deps.logger.warn({ jobId, subject, attempt, predictionId }, 'repaired a purchase from its heartbeat');
}

const factsOf = ({ jobId, subject, attempt }: LedgerRow): object => ({ jobId, subject, attempt });
