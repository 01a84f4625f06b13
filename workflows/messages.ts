/** Messages that a running workflow takes. Names and payloads are the contract's. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  type ClipAttentionSignal,
  type ClipDecided,
  type ClipDecision,
  type PredictionCompletedSignal,
  QUERIES,
  SIGNALS,
  UPDATES,
} from '../domain/contract.js';

export const predictionCompleted = defineSignal<[PredictionCompletedSignal]>(SIGNALS.predictionCompleted);
export const clipAttention = defineSignal<[ClipAttentionSignal]>(SIGNALS.clipAttention);
/** A plain sentence, for whoever opens the tab Queries. */
export const status = defineQuery<string>(QUERIES.status);
export const decideClip = defineUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip);
