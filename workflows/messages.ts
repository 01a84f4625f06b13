/** Messages that a running workflow takes. Names and payloads are the contract's. */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  type ClipAttentionSignal,
  type ClipDecided,
  type ClipDecision,
  type PredictionCompletedSignal,
  SIGNALS,
  UPDATES,
} from '../domain/contract.js';

export const predictionCompleted = defineSignal<[PredictionCompletedSignal]>(SIGNALS.predictionCompleted);
export const clipAttention = defineSignal<[ClipAttentionSignal]>(SIGNALS.clipAttention);
export const decideClip = defineUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip);
