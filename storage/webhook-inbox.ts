import type { Knex } from 'knex';
import type { GenerationInput, Subject } from '../domain/contract.js';
import { OPEN_PREDICTION_STATES } from '../domain/ledger.js';
import { deleteAtMost } from './delete-at-most.js';
import { type LedgerRow, selectPurchases } from './ledger.js';
import { recordKnown } from './ledger-moves.js';

export interface ReceivedWebhook {
  /** `webhook-id`: the same on every resend. */
  webhookId: string;
  predictionId: string;
  /** The signed body: a prediction object. */
  body: unknown;
  /** The signed body's model and fingerprint; null where it does not show them, or its input is gone. */
  model: string | null;
  fingerprint: string | null;
}

export interface KeptWebhook {
  /** `known` where a webhook of this id was kept before: then nothing has changed. */
  received: 'new' | 'known';
  /** Of a new one: whose prediction it is, where the ledger knew it. */
  generation: GenerationInput | undefined;
}

/** Keeps a webhook whose signature was checked. */
export async function receiveWebhook(knex: Knex, webhook: ReceivedWebhook): Promise<KeptWebhook> {
  const buyers = knex('predictions as p').whereRaw('p.provider_id = webhook_inbox.prediction_id');
  const inserted = await knex('webhook_inbox')
    .insert({
      webhook_id: webhook.webhookId,
      prediction_id: webhook.predictionId,
      body: JSON.stringify(webhook.body),
      model: webhook.model,
      fingerprint: webhook.fingerprint,
    })
    .onConflict('webhook_id')
    .ignore()
    .returning<{ jobId: string | null; subject: Subject | null }[]>([
      buyers.clone().select('p.job_id').as('jobId'),
      buyers.select('p.subject').as('subject'),
    ] as never);
  const [row] = inserted;
  if (row === undefined) return { received: 'known', generation: undefined };
  const { jobId, subject } = row;
  return { received: 'new', generation: jobId === null || subject === null ? undefined : { jobId, subject } };
}

/** A purchase together with the webhooks that came for its prediction, the latest first, and how many seconds ago. */
export interface AnnouncedPurchase extends LedgerRow {
  webhooks: { body: unknown; secondsAgo: number }[];
}

export async function findAnnouncedPurchase(knex: Knex, providerId: string): Promise<AnnouncedPurchase | undefined> {
  const webhooks = knex.raw(
    // As json, which takes a body as it came: jsonb refuses half a surrogate and NUL, which a log of the provider may have.
    `(SELECT coalesce(json_agg(json_build_object(
         'body', w.body, 'secondsAgo', extract(epoch FROM clock_timestamp() - w.received_at)
       ) ORDER BY w.received_at DESC), '[]')
       FROM webhook_inbox w WHERE w.prediction_id = predictions.provider_id)`,
  ) as Knex.Raw<unknown>;
  return await selectPurchases(knex).select({ webhooks }).where({ provider_id: providerId }).first();
}

/** Nothing is signed to be taken for longer than minutes, and provider and ledger have forgotten or settled the rest. */
export const WEBHOOKS_KEPT_FOR_MS = 30 * 24 * 60 * 60_000;

/**
 * Removes webhooks that came at least `keptForMs` ago, at most `limit`, and gives how many went. What a purchase may still
 * need stays: one that waits for its id or its end, or whose output is not stored.
 */
export async function dropOldWebhooks(
  knex: Knex,
  { keptForMs, limit }: { keptForMs: number; limit: number },
): Promise<number> {
  return await deleteAtMost(knex, limit, {
    table: 'webhook_inbox',
    where: `x.received_at <= now() - :keptForMs * interval '1 millisecond'
      AND NOT EXISTS (SELECT FROM predictions p WHERE p.provider_id = x.prediction_id
        AND (p.state = ANY (:open) OR (p.state = 'succeeded' AND p.error IS NULL)))
      AND NOT EXISTS (SELECT FROM predictions p WHERE p.model = x.model AND p.fingerprint = x.fingerprint
        AND p.provider_id IS NULL AND p.state = ANY (:open))`,
    values: { keptForMs, open: [...OPEN_PREDICTION_STATES] },
  });
}

/**
 * R4: looks among the webhooks that came since the intent for one that bears a purchase's model and fingerprint and
 * whose prediction nobody has, neither a purchase nor a stray; its id goes into the row. Resolves with that id, or
 * undefined where there is none or the row has found its own meanwhile.
 */
export async function adoptFromInbox(knex: Knex, row: LedgerRow): Promise<string | undefined> {
  const webhook: { predictionId: string } | undefined = await knex('webhook_inbox as w')
    .where({ 'w.model': row.model, 'w.fingerprint': row.fingerprint })
    // By the same clock: a webhook cannot come before the purchase that it answers was intended.
    .where('w.received_at', '>=', row.createdAt)
    .whereNotExists(knex('predictions as p').whereRaw('p.provider_id = w.prediction_id'))
    .whereNotExists(knex('strays as s').whereRaw('s.provider_id = w.prediction_id'))
    .orderBy('w.received_at')
    .first({ predictionId: 'w.prediction_id' });
  if (webhook === undefined || row.providerId !== null) return undefined;
  return (await recordKnown(knex, row.id, webhook.predictionId, 'webhook')) ? webhook.predictionId : undefined;
}
