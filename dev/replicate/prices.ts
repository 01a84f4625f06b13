/** What the provider charges, from prices.json: its own table, so that a buyer's ledger can be checked against it. */

import type { PredictionRecord } from './prediction-record.js';
import table from './prices.json' with { type: 'json' };
import { renderJob } from './render-job.js';

/** US dollars for one run, by the second of output (with or without a sound track) or flat. */
type Price = { perSecondUsd: { withAudio: number; withoutAudio: number } } | { flatUsd: number };

const PRICES: Readonly<Record<string, Price>> = table;

/**
 * US dollars charged for a prediction, rounded to a millionth. Nothing is charged before it ended, when it failed, and
 * when it was canceled or aborted before it started: `replicate.com/docs/topics/predictions/lifecycle`.
 */
export function priceUsd(record: PredictionRecord): number {
  const charged = record.status === 'succeeded' || (record.status === 'canceled' && record.startedAt !== null);
  if (!charged) return 0;
  const price = PRICES[record.model];
  if (price === undefined) throw new Error(`expected ${record.model} to have a price in prices.json, it has none`);
  if ('flatUsd' in price) return price.flatUsd;
  const job = renderJob(record.model, record.input);
  const withAudio = job.kind === 'video' && job.audio;
  const perSecond = withAudio ? price.perSecondUsd.withAudio : price.perSecondUsd.withoutAudio;
  return Math.round(perSecond * job.seconds * 1e6) / 1e6;
}
