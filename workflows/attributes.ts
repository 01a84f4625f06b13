/** The search attributes as workflows set them; domain/contract.ts says which there are. */
import { defineSearchAttributeKey, type SearchAttributePair, TypedSearchAttributes } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import type { JobState } from '../domain/states.js';

export const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');
export const NEEDS_ATTENTION = defineSearchAttributeKey('ReelNeedsAttention', 'BOOL');
const OWNER = defineSearchAttributeKey('ReelOwner', 'KEYWORD');
const CAMPAIGN = defineSearchAttributeKey('ReelCampaign', 'KEYWORD');
const MODEL = defineSearchAttributeKey('ReelModel', 'KEYWORD_LIST');
const PROVIDER = defineSearchAttributeKey('ReelProvider', 'KEYWORD_LIST');

/** What a generation is found by from its start on: whose it is, as its job, and its own model. */
export function generationAttributes(model: string | undefined): TypedSearchAttributes {
  const { typedSearchAttributes: ofJob } = workflowInfo();
  const pairs: SearchAttributePair[] = [
    { key: STAGE, value: 'generating' satisfies JobState },
    { key: NEEDS_ATTENTION, value: false },
  ];
  for (const key of [OWNER, CAMPAIGN]) {
    const value = ofJob.get(key);
    if (value !== undefined) pairs.push({ key, value });
  }
  const provider = ofJob.get(PROVIDER);
  if (provider !== undefined) pairs.push({ key: PROVIDER, value: provider });
  if (model !== undefined) pairs.push({ key: MODEL, value: [model] });
  return new TypedSearchAttributes(pairs);
}
