/** What somebody asked for is done once, however often the activity that does it is run. */
import { Context } from '@temporalio/activity';
import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { findAnswer, keepAnswer, takeKey } from '../storage/idempotency-keys.js';
import { sha256 } from './intent.js';

/** How long a run of an activity that comes late finds what an earlier one did. */
const KEPT_FOR_MS = 24 * 3_600_000;

export interface Asked {
  ownerId: string;
  /** What does it, and on whose word: one for each thing that is asked for. */
  route: string;
  key: string;
  what: unknown;
}

/** The answer of an earlier run, or `work` and, in the same transaction, the note of it. */
export async function once<T>(trx: Knex, { what, ...asked }: Asked, work: () => Promise<T>): Promise<T> {
  const request = { ...asked, bodySha256: sha256(JSON.stringify(what)) };
  if (!(await takeKey(trx, request))) {
    throw new ReelwrightError('IDEMPOTENCY_KEY_IN_USE', 'another run of this operation is still at work');
  }
  const kept = await findAnswer(trx, request, KEPT_FOR_MS);
  if (kept !== undefined) return kept.answer as T;
  const answer = await work();
  await keepAnswer(trx, request, { status: 200, location: null, answer }, KEPT_FOR_MS);
  return answer;
}

/** Of the workflow's run that this activity is part of. Throws INTERNAL outside of one. */
export function ownRunId(): string {
  const runId = Context.current().info.workflowExecution?.runId;
  if (runId === undefined) throw new ReelwrightError('INTERNAL', 'expected to be run by a workflow');
  return runId;
}

/** Of this activity in all its attempts, and of no other. Throws INTERNAL outside of a workflow. */
export const ownActivityKey = (): string => `${ownRunId()} ${Context.current().info.activityId}`;
