import type { Knex } from 'knex';
import type { Logger } from '../../config/logger.js';
import { type GenerationInput, generationId } from '../../domain/contract.js';
import type { SeenPrediction } from '../../domain/seen-prediction.js';
import { findGenerationOf } from '../../storage/ledger.js';
import { placePrediction } from '../../storage/place-prediction.js';
import type { WebhookPorts } from '../deps.js';

/** The only ids that an unsigned hint may name: a generation, which ignores what is not its own. */
const GENERATION_ID = /^video-job-[0-9a-f-]{36}-(clip|music|image|text)-\d+$/;

/** What rules of alerts look for in the log, at level `error`; the activities write the same. */
const STRAY_ALARM = 'stray prediction';

export interface Delivery {
  predictionId: string;
  /** Whose it was when the webhook was kept; undefined where that is still to be found out. */
  generation: GenerationInput | undefined;
  /** The prediction of the signed body; undefined where it shows none that can be read. */
  seen: SeenPrediction | undefined;
  /** The workflow id of the webhook's URL, which nobody signed. */
  hint: string | undefined;
}

/**
 * Tells the generation that bought the prediction; one that the ledger does not know is put in its place first: the
 * lost answer of a purchase is adopted, and a stray is recorded, which the reconciler then cancels. Failing is no error:
 * the webhook is kept, and the poll and the reconciler find out the same.
 */
export async function deliverWebhook(
  { knex, signal }: { knex: Knex } & Pick<WebhookPorts, 'signal'>,
  { predictionId, generation: known, seen, hint }: Delivery,
  log: Logger,
): Promise<void> {
  try {
    const find = (): Promise<GenerationInput | 'stray' | undefined> =>
      seen === undefined ? findGenerationOf(knex, predictionId) : place(knex, seen, log);
    const generation = known ?? (await find());
    if (generation === 'stray') return;
    const workflowId = generation === undefined ? usable(hint) : generationId(generation.jobId, generation.subject);
    if (workflowId === undefined) {
      log.warn({ predictionId }, 'a webhook of a prediction that the ledger does not know is kept');
      return;
    }
    const outcome = await signal(workflowId, { predictionId });
    const whose = generation === undefined ? {} : { jobId: generation.jobId, subject: generation.subject };
    log.info({ ...whose, predictionId, workflowId, outcome }, 'webhook');
  } catch (error) {
    log.warn({ ...known, err: error, predictionId }, 'a webhook is kept and its workflow could not be told');
  }
}

async function place(knex: Knex, seen: SeenPrediction, log: Logger): Promise<GenerationInput | 'stray' | undefined> {
  const predictionId = seen.id;
  const placement = await placePrediction(knex, seen, 'webhook');
  switch (placement.kind) {
    case 'known':
      return placement;
    case 'adopted': {
      const { jobId, subject } = placement;
      log.warn({ jobId, subject, predictionId }, 'adopted a purchase whose answer was lost');
      return placement;
    }
    case 'stray': {
      const { model, status, createdAt } = seen;
      const { purchase, reason } = placement;
      // Whatever bears the fingerprint of a purchase is ours.
      const { id: purchaseId, jobId, subject, attempt } = purchase ?? {};
      const whose = { purchaseId, jobId, subject, attempt, ours: true };
      const facts = { predictionId, model, status, createdAt, ...whose, reason };
      if (placement.isNew) log.error(facts, STRAY_ALARM);
      return 'stray';
    }
    case 'foreign':
      return undefined;
  }
}

const usable = (hint: string | undefined): string | undefined =>
  hint !== undefined && GENERATION_ID.test(hint) ? hint : undefined;
