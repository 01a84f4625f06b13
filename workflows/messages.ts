/** Messages that a running workflow takes. Names and payloads are the contract's. */
import { defineSignal } from '@temporalio/workflow';
import { type PredictionCompletedSignal, SIGNALS } from '../domain/contract.js';

export const predictionCompleted = defineSignal<[PredictionCompletedSignal]>(SIGNALS.predictionCompleted);
