/** The api against nginx on the same file, request by request. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobJson } from '../../api/schemas/jobs.schema.js';
import { findTestProgram } from '../../dev/install/test-programs.js';
import { type Caller, type RunningApi, startApi } from '../support/running-api.js';
import { ask, fileOf, type SeenAnswer } from './ask.js';
import { askNginx, MODIFIED, type NginxAnswers, recordedAnswers } from './nginx-oracle.js';
import { FILE_BYTES, RANGE_CASES } from './range-cases.js';

const nginx = await findTestProgram('nginx', process.env);
const recorded: NginxAnswers = await recordedAnswers();
const FILE = fileOf(FILE_BYTES);

describe('the recorded answers', () => {
  test('are one for each case, of which there are more than forty', () => {
    expect(Object.keys(recorded)).toEqual(RANGE_CASES.map(({ name }) => name));
    expect(RANGE_CASES.length).toBeGreaterThan(40);
  });

  test.runIf(nginx !== undefined)('are those of the nginx that is here', async () => {
    expect(await askNginx()).toEqual(recorded);
  });
});

/** One that remembers nothing, and one that answers from what it remembers of the request before. */
describe.each([0, 600_000])('an api that remembers answers for %i ms', (answersRememberedForMs) => {
  let api: RunningApi;
  let anna: Caller;
  let url: string;
  let etag: string;
  beforeAll(async () => {
    api = await startApi({ config: { answersRememberedForMs } });
    anna = await api.caller('Anna');
    const { data } = await anna.post<JobJson>('/api/v3/jobs', { kind: 'clips', clips: [{ prompt: 'x' }] });
    const blob = await api.deps.blobs.put(Readable.from([FILE]), { contentType: 'video/mp4' });
    const done = { status: 'completed', video_blob_id: blob.id, duration_seconds: 8, completed_at: MODIFIED };
    await api.database.knex('jobs').where({ id: data.id }).update(done);
    url = `${api.url}/api/v3/videos/${data.id}/combined`;
    etag = `"${blob.sha256}"`;
  });
  afterAll(() => api?.stop());

  test.each(RANGE_CASES)('$name is answered as nginx answers it', async (one) => {
    const answer = await ask(url, one, { etag, modified: MODIFIED }, { 'X-API-Key': anna.key });
    const expected = recorded[one.name];
    if (one.ours === undefined) expect(answer).toEqual({ ...expected, ...errorsAreOurs(answer) });
    else expectOnPurpose(answer, one.ours.status, one.method === 'HEAD');
  });
});

/** Refusals are JSON here: what they say of the file's validators is not compared. */
function errorsAreOurs({ status, etag, lastModified }: SeenAnswer): Partial<SeenAnswer> {
  return status === 416 || status === 412 ? { etag, lastModified } : {};
}

function expectOnPurpose(answer: SeenAnswer, status: number, isHead: boolean): void {
  const whole = recorded['no condition'];
  expect(answer.status).toBe(status);
  if (status === 200) expect(answer).toEqual({ ...whole, parts: isHead ? null : whole?.parts });
  if (status === 206)
    expect(answer.parts).toEqual([[`bytes 0-${FILE_BYTES - 1}/${FILE_BYTES}`, whole?.parts?.[0]?.[1]]]);
  if (status === 416) expect(answer.contentRange).toBe(`bytes */${FILE_BYTES}`);
  if (status === 412) expect(answer.parts).toBeNull();
}
