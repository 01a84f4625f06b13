/** Runs in the workflow sandbox: brings a purchase to its end that no generation owns any more. */
import { isCancellation } from '@temporalio/workflow';
import type { FailureInfo, SettleInput } from '../domain/contract.js';
import { isFinalStatus } from '../domain/ledger.js';
import { generationSentences } from '../domain/sentences.js';
import { collecting, provider } from './activity-options.js';
import { failureInfo } from './failures.js';
import { say } from './say.js';
import { tell } from './tell.js';
import { untilCompleted } from './until-completed.js';

/** How a settlement ends: with an output that is stored, or without one and, where something went wrong, why. */
export interface Settled {
  predictionId: string | null;
  stored: boolean;
  error: FailureInfo | null;
}

/** What is paid is stored: also for a job that has ended. A purchase that gave nothing is an end like another. */
export async function settle(input: SettleInput): Promise<Settled> {
  const { jobId, subject } = input;
  const told = tell('It is looked for at the provider.');
  const { predictionId, polling } = await say(generationSentences.resolve(subject), provider.resolvePurchase, input);
  if (predictionId === null) {
    told('Nothing is to be collected.');
    return { predictionId, stored: false, error: null };
  }
  told(`Prediction ${predictionId} is waited for, and what it gives is stored.`);
  try {
    const look = generationSentences.look(predictionId);
    const { status } = await say(look, provider.pollPrediction, { jobId, subject, predictionId });
    // Nobody signals a settlement.
    if (!isFinalStatus(status)) await untilCompleted({ jobId, subject }, predictionId, polling, new Set());
    const fetch = generationSentences.collect(subject, predictionId);
    const outcome = await say(fetch, collecting().collectOutput, { jobId, subject, predictionId });
    told(`What prediction ${predictionId} gave is stored.`);
    return { predictionId, stored: outcome.status === 'stored', error: null };
  } catch (error) {
    const failure = failureInfo(error);
    if (isCancellation(error) || failure.code === 'INTERNAL') throw error;
    told(`Prediction ${predictionId} gave nothing that could be stored: ${failure.code}, ${failure.message}`);
    return { predictionId, stored: false, error: failure };
  }
}
