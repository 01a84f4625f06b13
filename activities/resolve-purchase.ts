import type { Purchase } from '../domain/activity-contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { CLOCK_MARGIN_MS, fingerprintOf, LISTINGS_APART_MS } from '../domain/purchase.js';
import type { Prediction } from '../replicate/video-provider.js';
import { isLongAgo, knownProviderIds, type LedgerRow } from '../storage/ledger.js';
import { recordAbsentListing, recordKnown, recordNotCreated } from '../storage/ledger-moves.js';
import { adoptFromInbox } from '../storage/webhook-inbox.js';
import type { ActivityDeps } from './deps.js';
import { sha256 } from './intent.js';
import { liftPauseBefore } from './purchasing.js';
import { handleStray } from './strays.js';

/** The provider erases inputs after an hour; a purchase still unknown by then can no longer be recognised. */
const RECOGNISABLE_MS = 50 * 60_000;

/**
 * R4 and R5: looks for a purchase whose answer is lost, in the webhooks that came and then in the provider's list.
 * Found: its id goes into the row; any other prediction with the same fingerprint is a stray. Not found: throws PURCHASE_PENDING to be asked again, until the absence is proven and the row is closed; the next
 * attempt then follows. Throws PURCHASE_UNKNOWN when nobody can tell any more. Never posts.
 */
export async function findPurchaseAtProvider(
  deps: ActivityDeps,
  row: LedgerRow,
  signal: AbortSignal,
): Promise<Purchase> {
  const { knex, settings, logger } = deps;
  const told = await adoptFromInbox(knex, row);
  if (told !== undefined) return await adopted(deps, row, told);
  const listing = await search(deps, row, signal);
  const [found, ...others] = listing.found;
  if (found !== undefined) {
    if (!(await recordKnown(knex, row.id, found.id, 'list'))) {
      throw pending(row, 'it was found while another worker resolved it', settings.adoptionPauseMs);
    }
    const reason = `it bears the fingerprint of attempt ${row.attempt} of ${row.subject}, which is ${found.id}`;
    for (const stray of others) await handleStray(deps, stray, { purchase: row, reason });
    return await adopted(deps, row, found.id);
  }
  if (await isLongAgo(knex, row.id, 'post_by', RECOGNISABLE_MS)) {
    const candidates = listing.erased.length === 0 ? 'none' : listing.erased.join(', ');
    throw new ReelwrightError(
      'PURCHASE_UNKNOWN',
      `nobody can say any more whether attempt ${row.attempt} of ${row.subject} was bought; candidates: ${candidates}`,
      { details: { candidates: listing.erased } },
    );
  }
  if (listing.erased.length > 0 || !(await isLongAgo(knex, row.id, 'post_by', settings.absenceAfterMs))) {
    throw pending(row, 'the list does not show it yet', settings.adoptionPauseMs);
  }
  if (row.absentSince === null || !(await isLongAgo(knex, row.id, 'absent_since', LISTINGS_APART_MS))) {
    await recordAbsentListing(knex, row.id);
    throw pending(row, 'one complete list without it', LISTINGS_APART_MS);
  }
  const absent = `attempt ${row.attempt} of ${row.subject} is in no list of the provider: it was never created`;
  await recordNotCreated(knex, row.id, { code: 'PROVIDER_UNAVAILABLE', message: absent });
  logger.warn({ jobId: row.jobId, subject: row.subject, attempt: row.attempt }, 'a lost purchase was never made');
  throw pending(row, absent, 0);
}

async function adopted(deps: ActivityDeps, row: LedgerRow, predictionId: string): Promise<Purchase> {
  await liftPauseBefore(deps, row);
  deps.logger.warn(
    { jobId: row.jobId, subject: row.subject, predictionId },
    'adopted a purchase whose answer was lost',
  );
  return { predictionId, attempt: row.attempt };
}

interface Listing {
  /** Predictions with the row's fingerprint that the ledger does not know, the oldest first. */
  found: Prediction[];
  /** Ids of predictions of the same model that the ledger does not know and whose input is gone. */
  erased: string[];
}

/** Reads the whole list back to before the intent. A list that fails proves nothing and throws. */
async function search({ knex, provider }: ActivityDeps, row: LedgerRow, signal: AbortSignal): Promise<Listing> {
  const createdAfter = new Date(row.createdAt.getTime() - CLOCK_MARGIN_MS);
  const matching: Prediction[] = [];
  const erased: Prediction[] = [];
  for await (const prediction of provider.list({ createdAfter, signal })) {
    if (prediction.model !== row.model) continue;
    if (prediction.dataRemoved || Object.keys(prediction.input).length === 0) erased.push(prediction);
    else if (fingerprintOf(prediction.input, sha256) === row.fingerprint) matching.push(prediction);
  }
  const known = await knownProviderIds(
    knex,
    [...matching, ...erased].map(({ id }) => id),
  );
  return {
    found: matching.filter(({ id }) => !known.has(id)).reverse(),
    erased: erased.filter(({ id }) => !known.has(id)).map(({ id }) => id),
  };
}

function pending(row: LedgerRow, reason: string, retryAfterMs: number): ReelwrightError {
  return new ReelwrightError('PURCHASE_PENDING', `looking for attempt ${row.attempt} of ${row.subject}: ${reason}`, {
    retryAfterMs,
  });
}
