/** Runs in the workflow sandbox: buys one paid thing and stores it. Every expected end is a returned value. */
import { CancellationScope, condition, isCancellation, setHandler } from '@temporalio/workflow';
import type { Polling, Purchase } from '../domain/activity-contract.js';
import type { GenerationInput, GenerationOutcome } from '../domain/contract.js';
import { isFinalStatus } from '../domain/ledger.js';
import { buying, collecting, provider, rows } from './activity-options.js';
import { failureInfo } from './failures.js';
import { predictionCompleted } from './messages.js';

export async function generation(subject: GenerationInput): Promise<GenerationOutcome> {
  const completed = new Set<string>();
  setHandler(predictionCompleted, ({ predictionId }) => void completed.add(predictionId));

  try {
    const prepared = await provider.prepareGeneration(subject);
    if (prepared.outcome !== null) return prepared.outcome;

    const { predictionId } = await purchase(subject);
    await untilCompleted(subject, predictionId, prepared.polling, completed);
    return await collecting().collectOutput({ ...subject, predictionId });
  } catch (error) {
    const cancelled = CancellationScope.current().consideredCancelled;
    return await CancellationScope.nonCancellable(() =>
      isCancellation(error) || cancelled ? wrapUp(subject) : failed(subject, error),
    );
  }
}

/**
 * A purchase is never left half done: a cancel waits until it is known what was bought. It closes the clip's row at
 * once, so that a purchase which is still waiting for its turn, or for the next attempt, is not made any more.
 */
async function purchase(subject: GenerationInput): Promise<Purchase> {
  const scope = CancellationScope.current();
  let buyingNow = true;
  const closed = scope.cancelRequested.catch(async () => {
    if (!buyingNow) return;
    await CancellationScope.nonCancellable(() => rows.endGeneration({ ...subject, end: { status: 'cancelled' } }));
  });
  try {
    return await CancellationScope.nonCancellable(() => buying().buy(subject));
  } finally {
    buyingNow = false;
    if (scope.consideredCancelled) await closed;
  }
}

/** The webhook's signal or the poll, whichever says it first; ids that are not this purchase's are nobody's business. */
async function untilCompleted(
  subject: GenerationInput,
  predictionId: string,
  polling: Polling,
  completed: ReadonlySet<string>,
): Promise<void> {
  for (let pause = polling.firstMs; ; pause = Math.min(pause * polling.factor, polling.maxMs)) {
    if (await condition(() => completed.has(predictionId), pause)) return;
    const { status } = await provider.pollPrediction({ ...subject, predictionId });
    if (isFinalStatus(status)) return;
  }
}

/** After a cancel: the provider is told to stop, and what it finished all the same is stored, since it is paid. */
async function wrapUp(subject: GenerationInput): Promise<GenerationOutcome> {
  try {
    const { succeeded } = await provider.cancelPurchase(subject);
    if (succeeded !== null) return await collecting().collectOutput({ ...subject, predictionId: succeeded });
    return await rows.endGeneration({ ...subject, end: { status: 'cancelled' } });
  } catch (error) {
    return await failed(subject, error);
  }
}

async function failed(subject: GenerationInput, error: unknown): Promise<GenerationOutcome> {
  return await rows.endGeneration({ ...subject, end: { status: 'failed', error: failureInfo(error) } });
}
