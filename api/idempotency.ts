/** Requests that may be sent twice: the same `Idempotency-Key` gets the same answer, and what it asks is done once. */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { seen } from '../domain/fields.schema.js';
import {
  ANSWERS_KEPT_FOR_MS,
  findAnswer,
  type KeyedRequest,
  keepAnswer,
  takeKey,
} from '../storage/idempotency-keys.js';
import { sendData } from './answers.js';
import { type ApiContext, ownerOf } from './context.js';
import type { ApiDeps } from './deps.js';
import { invalidField } from './validation.js';

export const IDEMPOTENCY_HEADER = 'Idempotency-Key';
/** 1 to 255 printable ASCII characters, which is what a header can carry safely. */
export const KEY_PATTERN = '^[ -~]{1,255}$';

const IN_USE_RETRY_MS = 1_000;

/** What one request writes, and what follows once it is written. */
export interface UnitOfWork {
  /** The database handle of all that must hold together. */
  db: Knex;
  /** Runs after the commit and before the answer; not when the handler throws, and not for an answer given again. */
  afterCommit(work: () => Promise<void>): void;
}

export interface OnceOnly<Prepared> {
  /** JSON that tells this request from another of the same key; asked for only where there is a key. */
  fingerprint: () => unknown;
  /**
   * What takes long or asks others, done before the transaction so that it holds no connection and no lock. A request
   * whose answer is kept does not come here; two of one key may both, so it must bear being done twice.
   */
  prepare: () => Promise<Prepared>;
  /** Writes and answers (`sendData`), in one transaction with the key. */
  answer: (unit: UnitOfWork, prepared: Prepared) => Promise<void>;
  /** Adds to the data of the answer, given first or again, what must not be kept: it opens something. Default: nothing. */
  complete?: (data: unknown) => unknown;
}

/** The caller's key, or undefined; throws VALIDATION_FAILED for one that is none. */
export function idempotencyKeyOf(ctx: ApiContext): string | undefined {
  const key = ctx.req.headers[IDEMPOTENCY_HEADER.toLowerCase()];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && new RegExp(KEY_PATTERN).test(key)) return key;
  throw invalidField(IDEMPOTENCY_HEADER, '1 to 255 printable ASCII characters', seen(key));
}

/**
 * Answers a request, or gives the answer again that its key got before. Throws IDEMPOTENCY_KEY_IN_USE while another
 * request of the key is being answered, and IDEMPOTENCY_KEY_REUSED for a key that came with another request. Whoever
 * dies in the middle leaves nothing: key, rows and lock belong to one transaction. A refusal is not kept.
 */
export async function answerOnce<Prepared>(
  ctx: ApiContext,
  { knex, config }: Pick<ApiDeps, 'knex' | 'config'>,
  { fingerprint, prepare, answer, complete = (data) => data }: OnceOnly<Prepared>,
): Promise<void> {
  const keptForMs = config.idempotencyKeptForMs ?? ANSWERS_KEPT_FOR_MS;
  const { idempotency } = ctx.state;
  const request: KeyedRequest | undefined = idempotency && {
    ownerId: ownerOf(ctx),
    ...idempotency,
    bodySha256: hashOf(await fingerprint()),
  };
  const given = request && (await knex.transaction((trx) => givenAgain(ctx, trx, request, keptForMs)));
  if (given === true) return await completeAnswer(ctx, complete);

  const prepared = await prepare();
  const following: (() => Promise<void>)[] = [];
  await knex.transaction(async (trx) => {
    if (request !== undefined && (await givenAgain(ctx, trx, request, keptForMs))) return;
    await answer({ db: trx, afterCommit: (work) => void following.push(work) }, prepared);
    if (request !== undefined) await keepAnswer(trx, request, answerOf(ctx), keptForMs);
  });
  for (const work of following) await work();
  await completeAnswer(ctx, complete);
}

/** Takes the key and says whether it has an answer, which is then the answer of this request. */
async function givenAgain(ctx: ApiContext, trx: Knex, request: KeyedRequest, keptForMs: number): Promise<boolean> {
  if (!(await takeKey(trx, request))) {
    throw new ReelwrightError('IDEMPOTENCY_KEY_IN_USE', 'the first request with this key is still being answered', {
      retryAfterMs: IN_USE_RETRY_MS,
    });
  }
  const kept = await findAnswer(trx, request, keptForMs);
  if (kept === undefined) return false;
  if (kept.bodySha256 !== request.bodySha256) {
    throw new ReelwrightError('IDEMPOTENCY_KEY_REUSED', 'this key came with another request before: take a new one', {
      details: { path: IDEMPOTENCY_HEADER },
    });
  }
  const { status, location, answer } = kept;
  sendData(ctx, answer, { status, ...(location === null ? {} : { location }) });
  return true;
}

async function completeAnswer(ctx: ApiContext, complete: (data: unknown) => unknown): Promise<void> {
  const body = ctx.body as { data: unknown };
  ctx.body = { ...body, data: await complete(body.data) };
}

function answerOf(ctx: ApiContext): { status: number; location: string | null; answer: unknown } {
  const { data } = ctx.body as { data: unknown };
  const location = ctx.response.get('Location');
  return { status: ctx.status, location: location === '' ? null : location, answer: data };
}

const hashOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');

/** Equal objects are equal texts, in whatever order their fields came. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
