import type { Logger } from '../../config/logger.js';
import { generationId } from '../../domain/contract.js';
import type { WebhookPorts } from '../deps.js';

/** The only ids that an unsigned hint may name: a generation, which ignores what is not its own. */
const GENERATION_ID = /^video-job-[0-9a-f-]{36}-(clip|music|image|text)-\d+$/;

/**
 * Tells the generation that bought the prediction. Failing is no error: the webhook is kept, and the poll finds
 * out the same. `hint` is the workflow id of the webhook's URL, which nobody signed.
 */
export async function deliverWebhook(
  { findGeneration, signal }: Pick<WebhookPorts, 'findGeneration' | 'signal'>,
  { predictionId, hint }: { predictionId: string; hint: string | undefined },
  log: Logger,
): Promise<void> {
  try {
    const generation = await findGeneration(predictionId);
    const workflowId = generation === undefined ? usable(hint) : generationId(generation.jobId, generation.subject);
    if (workflowId === undefined) {
      log.warn({ predictionId }, 'a webhook of a prediction that the ledger does not know is kept');
      return;
    }
    const outcome = await signal(workflowId, { predictionId });
    log.info({ predictionId, workflowId, outcome }, 'webhook');
  } catch (error) {
    log.warn({ err: error, predictionId }, 'a webhook is kept and its workflow could not be told');
  }
}

const usable = (hint: string | undefined): string | undefined =>
  hint !== undefined && GENERATION_ID.test(hint) ? hint : undefined;
