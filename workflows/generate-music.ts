import { CancellationScope } from '@temporalio/workflow';
import { type FailureInfo, type GenerationOutcome, musicSubject } from '../domain/contract.js';
import { rows } from './activity-options.js';
import { failureInfo } from './failures.js';
import { runGeneration } from './run-generation.js';

/** Music that is being made beside the clips. */
export interface MusicInTheMaking {
  /** Resolves when nothing more comes. A video without music is a video, so it never rejects. */
  done: Promise<void>;
  cancel(): void;
}

/**
 * One child workflow per piece, one after the other, since each goes on from the last. Where one is not made the rest
 * cannot be: their rows say so.
 */
export function startMusic(jobId: string, pieces: readonly number[]): MusicInTheMaking {
  const scope = new CancellationScope();
  return { done: scope.run(() => makeAll(jobId, pieces, scope)), cancel: () => scope.cancel() };
}

async function makeAll(jobId: string, pieces: readonly number[], scope: CancellationScope): Promise<void> {
  let missing: FailureInfo | undefined;
  for (const number of pieces) {
    const subject = musicSubject(number);
    if (missing === undefined)
      missing = whyMissing(number, await outcomeOf(() => runGeneration(jobId, subject, scope)));
    else await skip(jobId, number, missing);
  }
}

/** A child that somebody terminated is a failure like another. */
async function outcomeOf(run: () => Promise<GenerationOutcome>): Promise<GenerationOutcome> {
  try {
    return await run();
  } catch (error) {
    return { status: 'failed', error: failureInfo(error) };
  }
}

function whyMissing(number: number, outcome: GenerationOutcome): FailureInfo | undefined {
  if (outcome.status === 'stored') return undefined;
  if (outcome.status === 'cancelled') return { code: 'PREDICTION_CANCELED', message: `piece ${number} was cancelled` };
  return { code: outcome.error.code, message: `piece ${number} is missing: ${outcome.error.message}` };
}

async function skip(jobId: string, number: number, error: FailureInfo): Promise<void> {
  const end = { status: 'skipped' as const, error };
  await CancellationScope.nonCancellable(() => rows.endGeneration({ jobId, subject: musicSubject(number), end }));
}
