/** Runs in the workflow sandbox: buys one paid thing and stores it. Every expected end is a returned value. */
import { CancellationScope, isCancellation, setHandler } from '@temporalio/workflow';
import type { Purchase } from '../domain/activity-contract.js';
import type { GenerationInput, GenerationOutcome, GenerationStep } from '../domain/contract.js';
import { buying, collecting, provider, rows } from './activity-options.js';
import { type Decisions, decisions } from './decisions.js';
import { failureInfo } from './failures.js';
import { predictionCompleted } from './messages.js';
import { untilCompleted } from './until-completed.js';

export async function generation(subject: GenerationInput): Promise<GenerationOutcome> {
  const completed = new Set<string>();
  setHandler(predictionCompleted, ({ predictionId }) => void completed.add(predictionId));
  const decided = decisions(subject);

  let work = (): Promise<GenerationStep> => attempt(subject, completed);
  for (;;) {
    const step = await guarded(subject, decided, work);
    if (step.status === 'needs_attention') work = () => decided.wait(step);
    else if (step.status === 'again') work = () => attempt(subject, completed);
    else return step;
  }
}

/** What is owned is decided from the rows: stored is done, bought is resumed, and only what is missing is bought. */
async function attempt(subject: GenerationInput, completed: ReadonlySet<string>): Promise<GenerationStep> {
  const prepared = await provider.prepareGeneration(subject);
  if (prepared.outcome !== null) return prepared.outcome;

  const { predictionId } = await purchase(subject);
  await untilCompleted(subject, predictionId, prepared.polling, completed);
  return await collecting().collectOutput({ ...subject, predictionId });
}

async function guarded(
  subject: GenerationInput,
  { mayFollow }: Decisions,
  work: () => Promise<GenerationStep>,
): Promise<GenerationStep> {
  try {
    return await work();
  } catch (error) {
    const cancelled = CancellationScope.current().consideredCancelled;
    return await CancellationScope.nonCancellable(() =>
      isCancellation(error) || cancelled ? wrapUp(subject) : mayFollow(() => failed(subject, error)),
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

/** After a cancel: the provider is told to stop, and what it finished all the same is stored, since it is paid. */
async function wrapUp(subject: GenerationInput): Promise<GenerationStep> {
  try {
    const { succeeded } = await provider.cancelPurchase(subject);
    if (succeeded !== null) return await collecting().collectOutput({ ...subject, predictionId: succeeded });
  } catch (error) {
    const step = await failed(subject, error);
    if (step.status !== 'again' && step.status !== 'needs_attention') return step;
  }
  return await rows.endGeneration({ ...subject, end: { status: 'cancelled' } });
}

async function failed(subject: GenerationInput, error: unknown): Promise<GenerationStep> {
  return await rows.endGeneration({ ...subject, end: { status: 'failed', error: failureInfo(error) } });
}
