import { invalidField } from '../validation.js';

/**
 * What to tell about a budget that does not cover the whole job. Throws VALIDATION_FAILED for one that covers not even
 * its cheapest clip. Amounts are US dollars.
 */
export function budgetWarnings(budgetUsd: number | undefined, estimateUsd: number, cheapestClipUsd: number): string[] {
  if (budgetUsd === undefined || budgetUsd >= estimateUsd) return [];
  if (budgetUsd < cheapestClipUsd) {
    throw invalidField('budgetUsd', `at least ${cheapestClipUsd}, the price of the cheapest clip`, String(budgetUsd));
  }
  return [
    `the budget of ${budgetUsd} US dollars is below the estimate of ${estimateUsd}: clips that it does not cover wait for a decision`,
  ];
}
