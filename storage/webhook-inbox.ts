import type { Knex } from 'knex';

export interface ReceivedWebhook {
  /** `webhook-id`: the same on every resend. */
  webhookId: string;
  predictionId: string;
  /** The signed body: a prediction object. */
  body: unknown;
}

/** Keeps a webhook whose signature was checked. A repeated one changes nothing and is `known`. */
export async function receiveWebhook(knex: Knex, webhook: ReceivedWebhook): Promise<'new' | 'known'> {
  const inserted = await knex('webhook_inbox')
    .insert({
      webhook_id: webhook.webhookId,
      prediction_id: webhook.predictionId,
      body: JSON.stringify(webhook.body),
    })
    .onConflict('webhook_id')
    .ignore()
    .returning('webhook_id');
  return inserted.length === 1 ? 'new' : 'known';
}

/** The bodies received for a prediction, the latest first. */
export async function webhooksOf(knex: Knex, predictionId: string): Promise<unknown[]> {
  const rows = await knex('webhook_inbox')
    .select('body')
    .where({ prediction_id: predictionId })
    .orderBy('received_at', 'desc');
  return rows.map((row: { body: unknown }) => row.body);
}
