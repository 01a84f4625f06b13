import { CancellationScope } from '@temporalio/workflow';
import { type FailureInfo, type GenerationOutcome, musicSubject } from '../domain/contract.js';
import { jobSentences } from '../domain/sentences.js';
import { rows } from './activity-options.js';
import { failureInfo } from './failures.js';
import type { JobBoard } from './job-board.js';
import { runGeneration } from './run-generation.js';
import { say } from './say.js';

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
export function startMusic(jobId: string, pieces: readonly number[], board: JobBoard): MusicInTheMaking {
  const scope = new CancellationScope();
  return { done: scope.run(() => makeAll(jobId, pieces, scope, board)), cancel: () => scope.cancel() };
}

async function makeAll(
  jobId: string,
  pieces: readonly number[],
  scope: CancellationScope,
  board: JobBoard,
): Promise<void> {
  let missing: FailureInfo | undefined;
  for (const number of pieces) {
    const subject = musicSubject(number);
    if (missing === undefined) {
      const outcome = await outcomeOf(() => runGeneration(jobId, subject, scope, board));
      missing = whyMissing(number, outcome);
      if (outcome.status === 'failed') board.ended(subject, outcome);
    } else {
      await skip(jobId, number, missing);
      board.ended(subject, { status: 'skipped', error: missing });
    }
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
  const subject = musicSubject(number);
  const input = { jobId, subject, end: { status: 'skipped' as const, error } };
  const sentence = jobSentences.missingMusic(subject);
  await CancellationScope.nonCancellable(() => say(sentence, rows.endGeneration, input));
}
