import { expect, test } from 'vitest';
import { operationProblem } from './operations.js';

const jobId = '01900000-0000-7000-8000-000000000000';

test.each([
  { action: 'retry', jobId },
  { action: 'retry', jobId, budgetUsd: 12 },
  { action: 'regenerate', jobId, clip: 3 },
  { action: 'regenerate', jobId, clip: 3, prompt: 'a garden', model: 'veo-3.1' },
  { action: 'cancel', jobId },
  { action: 'pause-purchasing', reason: 'prices are checked' },
  { action: 'resume-purchasing' },
])('%j can be carried out', (operation) => {
  expect(operationProblem(operation)).toBeUndefined();
});

test.each([
  [null, 'action'],
  [[], 'action'],
  [{}, 'action: expected retry or'],
  [{ action: 'destroy' }, 'action'],
  [{ action: 'toString' }, 'action'],
  [{ action: 'retry' }, 'jobId'],
  [{ action: 'retry', jobId: 'x' }, 'jobId'],
  [{ action: 'retry', jobId, clip: 1 }, 'clip: there is no such field of retry'],
  [{ action: 'retry', jobId, budgetUsd: -1 }, 'budgetUsd'],
  [{ action: 'cancel', jobId, budgetUsd: 1 }, 'budgetUsd'],
  [{ action: 'regenerate', jobId }, 'clip'],
  [{ action: 'regenerate', jobId, clip: 0 }, 'clip'],
  [{ action: 'regenerate', jobId, clip: 1.5 }, 'clip'],
  [{ action: 'regenerate', jobId, clip: 1, prompt: '' }, 'prompt'],
  [{ action: 'regenerate', jobId, clip: 1, decision: 'skip' }, 'decision'],
  [{ action: 'pause-purchasing' }, 'reason'],
  [{ action: 'pause-purchasing', reason: ' ' }, 'reason'],
  [{ action: 'pause-purchasing', reason: 'x'.repeat(501) }, 'reason'],
  [{ action: 'resume-purchasing', jobId }, 'jobId'],
])('%j is refused, naming %s', (operation, named) => {
  expect(operationProblem(operation)).toContain(named);
});
