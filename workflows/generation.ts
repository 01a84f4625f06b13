/** Runs in the workflow sandbox: buys one paid thing and stores it. Every expected end is a returned value. */
import { CancellationScope, isCancellation, setHandler } from '@temporalio/workflow';
import type { Purchase } from '../domain/activity-contract.js';
import type { GenerationInput, GenerationOutcome, GenerationStep } from '../domain/contract.js';
import { generationSentences as sentences } from '../domain/sentences.js';
import { buying, collecting, provider, rows } from './activity-options.js';
import { type ClipBoard, clipBoard } from './clip-board.js';
import { type Decisions, decisions } from './decisions.js';
import { failureInfo } from './failures.js';
import { predictionCompleted } from './messages.js';
import { say } from './say.js';
import { untilCompleted } from './until-completed.js';

/** What is made, and where it is shown how far it is. */
interface Making {
  subject: GenerationInput;
  board: ClipBoard;
}

export async function generation(subject: GenerationInput): Promise<GenerationOutcome> {
  const completed = new Set<string>();
  setHandler(predictionCompleted, ({ predictionId }) => void completed.add(predictionId));
  const making = { subject, board: clipBoard(subject) };
  const decided = decisions(subject, making.board);

  let work = (): Promise<GenerationStep> => attempt(making, completed);
  for (;;) {
    const step = await guarded(making, decided, work);
    if (step.status === 'needs_attention') work = () => decided.wait(step);
    else if (step.status === 'again') work = () => attempt(making, completed);
    else {
      making.board.ended(step);
      return step;
    }
  }
}

/** What is owned is decided from the rows: stored is done, bought is resumed, and only what is missing is bought. */
async function attempt(making: Making, completed: ReadonlySet<string>): Promise<GenerationStep> {
  const { subject, board } = making;
  board.doing('its inputs are prepared');
  const prepared = await say(sentences.prepare(subject.subject), provider.prepareGeneration, subject);
  board.told(prepared.facts);
  if (prepared.outcome !== null) return prepared.outcome;

  board.doing('it is being bought; if that takes long, Pending Activities says why');
  const { predictionId } = await purchase(making);
  board.bought(predictionId);
  board.doing('the provider is at work on it');
  await untilCompleted(subject, predictionId, prepared.polling, completed);
  return await collect(making, predictionId);
}

async function collect({ subject, board }: Making, predictionId: string): Promise<GenerationStep> {
  board.doing('its output is fetched, checked and stored');
  const sentence = sentences.collect(subject.subject, predictionId, board.facts);
  return await say(sentence, collecting().collectOutput, { ...subject, predictionId });
}

async function guarded(
  making: Making,
  { mayFollow }: Decisions,
  work: () => Promise<GenerationStep>,
): Promise<GenerationStep> {
  try {
    return await work();
  } catch (error) {
    const cancelled = CancellationScope.current().consideredCancelled;
    return await CancellationScope.nonCancellable(() =>
      isCancellation(error) || cancelled ? wrapUp(making) : mayFollow(() => failed(making, error)),
    );
  }
}

/**
 * A purchase is never left half done: a cancel waits until it is known what was bought. It closes the clip's row at
 * once, so that a purchase which is still waiting for its turn, or for the next attempt, is not made any more.
 */
async function purchase({ subject, board }: Making): Promise<Purchase> {
  const scope = CancellationScope.current();
  let buyingNow = true;
  const closed = scope.cancelRequested.catch(async () => {
    if (!buyingNow) return;
    await CancellationScope.nonCancellable(() => cancelled(subject));
  });
  try {
    const sentence = sentences.buy(subject.subject, board.facts);
    return await CancellationScope.nonCancellable(() => say(sentence, buying().buy, subject));
  } finally {
    buyingNow = false;
    if (scope.consideredCancelled) await closed;
  }
}

/** After a cancel: the provider is told to stop, and what it finished all the same is stored, since it is paid. */
async function wrapUp(making: Making): Promise<GenerationStep> {
  const { subject, board } = making;
  board.doing('it is being cancelled; what is finished all the same is stored');
  try {
    const { succeeded } = await say(sentences.cancel(subject.subject), provider.cancelPurchase, subject);
    if (succeeded !== null) return await collect(making, succeeded);
  } catch (error) {
    const step = await failed(making, error);
    if (step.status !== 'again' && step.status !== 'needs_attention') return step;
  }
  return await cancelled(subject);
}

const cancelled = (subject: GenerationInput): Promise<GenerationStep> =>
  say(sentences.cancelled(subject.subject), rows.endGeneration, { ...subject, end: { status: 'cancelled' as const } });

async function failed({ subject, board }: Making, failure: unknown): Promise<GenerationStep> {
  const error = failureInfo(failure);
  board.doing(`an attempt failed with ${error.code}: what follows is looked up`);
  const sentence = sentences.failed(subject.subject, error);
  return await say(sentence, rows.endGeneration, { ...subject, end: { status: 'failed' as const, error } });
}
