/** Orders of jobs for tests of the api. */
import { expect } from 'vitest';
import type { JobJson } from '../../api/schemas/jobs.schema.js';
import type { ApiAnswer, Caller, RunningApi } from './running-api.js';

export const order = (caller: Caller, body: unknown): Promise<ApiAnswer<JobJson>> =>
  caller.post<JobJson>('/api/v3/jobs', body);

/** An order of one clip for each prompt. */
export const clips = (...prompts: string[]) => ({ kind: 'clips', clips: prompts.map((prompt) => ({ prompt })) });

/** Orders what must be refused, and sees that neither a row nor a workflow came of it. */
export async function refused(
  api: RunningApi,
  caller: Caller,
  body: unknown,
): Promise<ApiAnswer<Record<string, unknown>>> {
  const before = [await api.countRows('jobs'), await api.countRows('clips'), api.starts.length];
  const answer = await caller.post('/api/v3/jobs', body);
  expect([await api.countRows('jobs'), await api.countRows('clips'), api.starts.length]).toEqual(before);
  return answer;
}
