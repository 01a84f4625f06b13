import type { Knex } from 'knex';
import type { PredictionState } from '../domain/ledger.js';

/** What of all purchases is not settled in a way that it should be. */
export interface PurchasingReport {
  /** Predictions at the provider that no attempt stands for and that have not ended. */
  openStrays: number;
  /** Purchases of which nobody can say whether they were made. */
  unknownPurchases: number;
}

export async function reportPurchasing(knex: Knex): Promise<PurchasingReport> {
  const [strays] = await knex('strays').whereNull('settled_at').count({ total: '*' });
  const [unknown] = await knex('predictions')
    .where({ state: 'unknown' satisfies PredictionState })
    .count({ total: '*' });
  return { openStrays: Number(strays?.['total']), unknownPurchases: Number(unknown?.['total']) };
}
