import type { FailureInfo } from '../domain/contract.js';
import { ERRORS, isReelwrightError, ReelwrightError } from '../domain/errors.js';
import type { LedgerRow } from '../storage/ledger.js';

/** A failure as rows keep it. */
export function failureOf(error: unknown): FailureInfo {
  if (isReelwrightError(error)) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

/** Why nothing more comes of a purchase, as an error that is not tried again. */
export function purchaseEnded(row: Pick<LedgerRow, 'subject' | 'attempt' | 'state' | 'error'>): ReelwrightError {
  const { code, message } = row.error ?? {
    code: 'PREDICTION_FAILED' as const,
    message: `attempt ${row.attempt} of ${row.subject} ended as ${row.state}`,
  };
  return new ReelwrightError(ERRORS[code].retry ? 'PREDICTION_FAILED' : code, message);
}
