/**
 * What an operator may ask for by starting the workflow `operate`, from the Web UI's form or the `temporal` command, and
 * the shape of it, checked where no schema library may be loaded.
 */
import type { ClipChanges } from './contract.js';
import { decisionProblem } from './decisions.js';

export const OPERATIONS = ['retry', 'regenerate', 'cancel', 'pause-purchasing', 'resume-purchasing'] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** The input of `operate`. `budgetUsd` is the job's budget from now on, in US dollars; clips are counted from 1. */
export type Operation =
  | { action: 'retry'; jobId: string; budgetUsd?: number }
  | ({ action: 'regenerate'; jobId: string; clip: number } & ClipChanges)
  | { action: 'cancel'; jobId: string }
  | { action: 'pause-purchasing'; reason: string }
  | { action: 'resume-purchasing' };

/** Says what was done, in a sentence. */
export interface Operated {
  done: string;
}

export const MAX_REASON = 500;

const FIELDS: Record<OperationName, readonly string[]> = {
  retry: ['jobId', 'budgetUsd'],
  regenerate: ['jobId', 'clip', 'prompt', 'model', 'firstImage', 'lastImage'],
  cancel: ['jobId'],
  'pause-purchasing': ['reason'],
  'resume-purchasing': [],
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What is wrong with an operation as it came, naming the field; undefined for one that can be carried out. */
export function operationProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'expected an object with the field action';
  }
  const { action, ...given } = value as Record<string, unknown>;
  const name = OPERATIONS.find((known) => known === action);
  if (name === undefined) return `action: expected ${OPERATIONS.join(' or ')}`;
  const unknown = Object.keys(given).find((field) => !FIELDS[name].includes(field));
  if (unknown !== undefined) return `${unknown}: there is no such field of ${name}`;
  const { jobId, clip, reason, ...changes } = given;
  if (FIELDS[name].includes('jobId') && (typeof jobId !== 'string' || !UUID.test(jobId))) {
    return 'jobId: expected the id of a job, a UUID';
  }
  if (name === 'regenerate' && !(Number.isSafeInteger(clip) && (clip as number) >= 1)) {
    return 'clip: expected the number of a clip, from 1';
  }
  if (name === 'pause-purchasing' && !isReason(reason)) return `reason: expected text of 1 to ${MAX_REASON} characters`;
  // What may be changed is what a decision may change.
  return decisionProblem({ decision: 'retry', ...changes });
}

const isReason = (reason: unknown): boolean =>
  typeof reason === 'string' &&
  reason.trim() !== '' &&
  reason.length <= MAX_REASON &&
  !/[\0\p{Surrogate}]/u.test(reason);
