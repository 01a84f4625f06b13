import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JobState } from '../../domain/states.js';
import { uploadImage } from '../../test/support/api-fixtures.js';
import { CLIP_USD, placeJob, placePurchase } from '../../test/support/money-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let knex: Knex;
let temporalDown = false;
beforeAll(async () => {
  api = await startApi({
    deps: ({ jobControl, jobStarter }) => ({
      jobControl: {
        ...jobControl,
        cancel: (id) => (temporalDown ? Promise.reject(new Error('Temporal is down')) : jobControl.cancel(id)),
      },
      jobStarter: {
        start: (job) => (temporalDown ? Promise.reject(new Error('Temporal is down')) : jobStarter.start(job)),
      },
    }),
  });
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  ({ knex } = api.database);
});
afterAll(() => api.stop());
beforeEach(() => {
  temporalDown = false;
  api.starts.length = 0;
  api.cancels.length = 0;
});

const act = (id: string, body: unknown, caller = anna) => caller.post<JobJson>(`/api/v3/jobs/${id}/actions`, body);
const regenerate = (id: string, clip: number | string, body: unknown = {}, caller = anna) =>
  caller.post<JobJson>(`/api/v3/jobs/${id}/clips/${clip}/regenerate`, body);
const place = (status: JobState, ...clips: Parameters<typeof placeJob>[1]['clips']) =>
  placeJob(knex, { ownerId: anna.ownerId, status, clips });

async function finishedJob(status: JobState = 'completed'): Promise<string> {
  const id = await place(status, 'stored', 'stored');
  for (const subject of ['clip:1', 'clip:2'] as const) {
    await placePurchase(knex, { jobId: id, subject, state: 'stored', costUsd: CLIP_USD });
  }
  return id;
}

/** All that an action may change, as text. */
async function everything(): Promise<string> {
  const tables = ['jobs', 'clips', 'predictions', 'idempotency_keys'];
  const rows = await Promise.all(tables.map((table) => knex(table).orderBy(1).orderBy(2)));
  return JSON.stringify(rows);
}

/** Sees that what must be refused changes nothing and is told to nobody. */
async function refused(send: () => ReturnType<typeof act>, status: number, code: string, path?: string) {
  const before = await everything();
  const answer = await send();
  expect([answer.status, answer.error?.code]).toEqual([status, code]);
  if (path !== undefined) expect(answer.error?.details?.path).toBe(path);
  expect(await everything()).toBe(before);
  expect([api.starts, api.cancels]).toEqual([[], []]);
}

describe('cancel', () => {
  test('is answered with 202 and told to the workflow; repeated it is 200 with the same job', async () => {
    const id = await place('generating', 'generating');
    const first = await act(id, { action: 'cancel' });
    expect([first.status, first.data.id, first.data.status]).toEqual([202, id, 'generating']);
    expect(api.cancels).toEqual([`video-job-${id}`]);
    const again = await act(id, { action: 'cancel', payload: {} });
    expect([again.status, again.data]).toEqual([200, first.data]);
  });

  test('ends a job at once whose run was never handed to Temporal', async () => {
    temporalDown = true;
    const { data } = await anna.post<JobJson>('/api/v3/jobs', { kind: 'clips', clips: [{ prompt: 'x' }] });
    const answer = await act(data.id, { action: 'cancel' });
    expect([answer.status, answer.data.status, answer.data.clips[0]?.status]).toEqual([202, 'cancelled', 'cancelled']);
    expect((await act(data.id, { action: 'cancel' })).status).toBe(200);
  });

  test('is taken while Temporal is away: the job row holds it', async () => {
    const id = await place('generating', 'generating');
    temporalDown = true;
    expect((await act(id, { action: 'cancel' })).status).toBe(202);
    expect((await knex('jobs').where({ id }).first()).cancel_requested_at).toBeInstanceOf(Date);
    expect(api.log()).toContain('the workflow does not know of its cancel yet');
  });

  test.each<JobState>(['completed', 'completed_with_gaps', 'failed'])('of a %s job is WRONG_STATE', async (status) => {
    const id = await place(status, 'stored');
    await refused(() => act(id, { action: 'cancel' }), 409, 'WRONG_STATE');
  });
});

describe('retry', () => {
  test('is answered with 202 and the queued job, whose next run is handed to Temporal', async () => {
    const id = await place('failed', 'stored', 'failed');
    const error = { code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' } as const;
    await placePurchase(knex, { jobId: id, subject: 'clip:2', state: 'failed', costUsd: 0, error });
    const answer = await act(id, { action: 'retry' });
    expect([answer.status, answer.data.status, answer.data.error]).toEqual([202, 'queued', null]);
    expect(answer.data.clips.map(({ status, attempt }) => [status, attempt])).toEqual([
      ['stored', 0],
      ['pending', 2],
    ]);
    expect(api.starts).toMatchObject([{ jobId: id, runNumber: 2 }]);
    expect((await knex('jobs').where({ id }).first()).run_started_at).toBeInstanceOf(Date);
  });

  test('twice at once is 202 once and 409 once', async () => {
    const id = await place('failed', 'failed');
    const answers = await Promise.all([act(id, { action: 'retry' }), act(id, { action: 'retry' })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    expect(api.starts).toHaveLength(1);
  });

  test('that Temporal cannot be told of is owed, and answered all the same', async () => {
    const id = await place('failed', 'failed');
    temporalDown = true;
    expect((await act(id, { action: 'retry' })).status).toBe(202);
    expect(await knex('jobs').where({ id }).first()).toMatchObject({
      status: 'queued',
      run_number: 2,
      run_started_at: null,
    });
  });

  test('takes a new budget, which is what the job shows', async () => {
    const id = await place('failed', 'failed');
    await knex('jobs').where({ id }).update({ budget_usd: 0.1 });
    await placePurchase(knex, { jobId: id, state: 'canceled', costUsd: CLIP_USD });
    await refused(() => act(id, { action: 'retry' }), 422, 'BUDGET_EXCEEDED');
    const answer = await act(id, { action: 'retry', payload: { budgetUsd: 2 } });
    expect([answer.status, answer.data.budgetUsd]).toEqual([202, 2]);
  });

  test.each<JobState>(['generating', 'completed', 'cancelled'])('of a %s job is WRONG_STATE', async (status) => {
    const id = await place(status, 'stored');
    await refused(() => act(id, { action: 'retry' }), 409, 'WRONG_STATE');
  });
});

describe.each([
  [
    'regenerate_scene',
    (id: string, clip: number, changes: object) =>
      act(id, { action: 'regenerate_scene', payload: { clip, ...changes } }),
    'payload.',
  ],
  [
    'POST /jobs/{id}/clips/{n}/regenerate',
    (id: string, clip: number, changes: object) => regenerate(id, clip, changes),
    '',
  ],
] as const)('%s', (_name, send, prefix) => {
  test('makes one clip again, changed as asked, and starts the next run', async () => {
    const id = await finishedJob();
    const image = await uploadImage(anna);
    const changes = { prompt: 'the pool at night', firstImage: { assetId: image.id } };
    const answer = await send(id, 2, changes);
    expect([answer.status, answer.data.status]).toEqual([202, 'queued']);
    expect(answer.data.clips).toMatchObject([
      { status: 'stored', attempt: 1 },
      { status: 'pending', attempt: 2, prompt: 'the pool at night' },
    ]);
    expect(api.starts).toMatchObject([{ jobId: id, runNumber: 2 }]);
  });

  test('is refused for what cannot be had, and changes nothing', async () => {
    const id = await finishedJob();
    const theirs = await uploadImage(ben);
    await refused(() => send(id, 3, {}), 404, 'NOT_FOUND');
    await refused(() => send(id, 1, { model: 'hailuo-02' }), 422, 'VALIDATION_FAILED');
    await refused(() => send(id, 1, { firstImage: { assetId: theirs.id } }), 422, 'ASSET_NOT_FOUND');
    const inside = { firstImage: { url: 'http://127.0.0.1/a.jpg' } };
    await refused(() => send(id, 1, inside), 422, 'URL_REFUSED', `${prefix}firstImage.url`);
    await refused(() => send(id, 1, { colour: 'red' }), 422, 'VALIDATION_FAILED', `${prefix}colour`);
    await refused(() => send(id, 1, { prompt: '' }), 422, 'VALIDATION_FAILED', `${prefix}prompt`);
  });

  test.each<JobState>(['generating', 'failed', 'cancelled'])('of a %s job is WRONG_STATE', async (status) => {
    const id = await place(status, 'stored');
    await refused(() => send(id, 1, {}), 409, 'WRONG_STATE');
  });
});

describe('approve', () => {
  test.each<[JobState, number, string]>([
    ['queued', 409, 'WRONG_STATE'],
    ['completed', 409, 'WRONG_STATE'],
    ['awaiting_approval', 422, 'NOT_YET_SUPPORTED'],
  ])('of a job that is %s is %i %s', async (state, status, code) => {
    const id = await place(state, 'pending');
    await refused(() => act(id, { action: 'approve' }), status, code);
  });
});

describe('an action', () => {
  test("on another owner's job, or on none, finds nothing", async () => {
    const id = await finishedJob();
    for (const action of ['approve', 'cancel', 'retry']) {
      await refused(() => act(id, { action }, ben), 404, 'NOT_FOUND');
      await refused(() => act(uuidv7(), { action }), 404, 'NOT_FOUND');
    }
    await refused(() => regenerate(id, 1, {}, ben), 404, 'NOT_FOUND');
  });

  test.each([
    [{ action: 'explode' }, 'action'],
    [{}, 'action'],
    [{ action: 'cancel', force: true }, 'force'],
    [{ action: 'cancel', payload: { now: true } }, 'payload.now'],
    [{ action: 'retry', payload: { clip: 1 } }, 'payload.clip'],
    [{ action: 'retry', payload: { budgetUsd: -1 } }, 'payload.budgetUsd'],
    [{ action: 'retry', payload: { budgetUsd: 0 } }, 'payload.budgetUsd'],
    [{ action: 'retry', payload: { budgetUsd: 1e300 } }, 'payload.budgetUsd'],
    [{ action: 'retry', payload: { budgetUsd: '5' } }, 'payload.budgetUsd'],
    [{ action: 'regenerate_scene' }, 'payload'],
    [{ action: 'regenerate_scene', payload: { clip: 0 } }, 'payload.clip'],
    [{ action: 'regenerate_scene', payload: { clip: 1.5 } }, 'payload.clip'],
  ])('that says %j is refused by the name of the field', async (body, path) => {
    const id = await place('failed', 'failed');
    await refused(() => act(id, body), 422, 'VALIDATION_FAILED', path);
  });

  test.each(['0', '-1', '1.0', '01', '1e9', '1000000000', 'abc', '%00'])('on clip %s finds nothing', async (clip) => {
    const id = await finishedJob();
    await refused(() => regenerate(id, clip), 404, 'NOT_FOUND');
  });
});
