import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ErrorCode, ReelwrightError } from '../../domain/errors.js';
import type { ClipState } from '../../domain/states.js';
import { placeJob } from '../../test/support/money-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let knex: Knex;
let refusal: ErrorCode | undefined;
beforeAll(async () => {
  api = await startApi({
    deps: ({ jobControl }) => ({
      jobControl: {
        ...jobControl,
        async decide(workflowId, updateId, decision) {
          if (refusal !== undefined) throw new ReelwrightError(refusal, `refused with ${refusal}`);
          return await jobControl.decide(workflowId, updateId, decision);
        },
      },
    }),
  });
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  ({ knex } = api.database);
});
afterAll(() => api.stop());
beforeEach(() => {
  refusal = undefined;
  api.decisions.length = 0;
});

const place = (...clips: ClipState[]) => placeJob(knex, { ownerId: anna.ownerId, status: 'needs_attention', clips });
const pathOf = (id: string, clip: number | string) => `/api/v3/jobs/${id}/clips/${clip}/decision`;
const decide = (
  id: string,
  clip: number | string,
  body: unknown,
  { key, caller = anna }: { key?: string; caller?: Caller } = {},
) => caller.post<JobJson>(pathOf(id, clip), body, key === undefined ? {} : { 'Idempotency-Key': key });

/** As the workflow leaves the clip when a decision was carried out. */
const moveOn = (id: string, clip: number) =>
  knex('clips').where({ job_id: id, number: clip }).update({ status: 'generating' });

describe('a decision', () => {
  test('is handed to the generation of its clip as it came, and answered with 202 and the job', async () => {
    const id = await place('stored', 'needs_attention');
    const asset = uuidv7();
    const body = {
      decision: 'retry',
      prompt: 'calmer',
      model: 'veo-3.1',
      firstImage: { assetId: asset },
      budgetUsd: 9,
    };
    const answer = await decide(id, 2, body);
    expect([answer.status, answer.data.id]).toEqual([202, id]);
    expect(api.decisions).toEqual([
      { workflowId: `video-job-${id}-clip-02`, updateId: expect.stringMatching(/^[\w-]{20,}$/), decision: body },
    ]);
  });

  test.each(['skip', 'fail'])('may be %s', async (decision) => {
    const id = await place('needs_attention');
    expect((await decide(id, 1, { decision })).status).toBe(202);
    expect(api.decisions[0]?.decision).toEqual({ decision });
  });

  test('sent again with its key counts once and gets the same answer, although the clip waits no more', async () => {
    const id = await place('needs_attention');
    const first = await decide(id, 1, { decision: 'retry' }, { key: 'k1' });
    await moveOn(id, 1);
    const again = await decide(id, 1, { decision: 'retry' }, { key: 'k1' });
    expect([again.status, again.data]).toEqual([202, first.data]);
    expect(api.decisions).toHaveLength(1);
    const other = await decide(id, 1, { decision: 'skip' }, { key: 'k1' });
    expect([other.status, other.error?.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('whose answer was lost before it was kept is known by its key all the same', async () => {
    const id = await place('needs_attention');
    await decide(id, 1, { decision: 'retry' }, { key: 'k2' });
    await moveOn(id, 1);
    await knex('idempotency_keys').where({ key: 'k2' }).delete();
    expect((await decide(id, 1, { decision: 'retry' }, { key: 'k2' })).status).toBe(202);
    expect(api.decisions).toHaveLength(1);
  });

  test('has an id of its own for every owner, clip and request without a key', async () => {
    const id = await place('needs_attention', 'needs_attention');
    await decide(id, 1, { decision: 'skip' }, { key: 'k3' });
    await decide(id, 2, { decision: 'skip' }, { key: 'k3' });
    await decide(id, 1, { decision: 'skip' });
    await decide(id, 1, { decision: 'skip' });
    expect(new Set(api.decisions.map(({ updateId }) => updateId)).size).toBe(4);
    // A key may be a secret of its owner's systems: Temporal is not told.
    expect(JSON.stringify(api.decisions)).not.toContain('k3');
  });

  test.each<[ErrorCode, number]>([
    ['WRONG_STATE', 409],
    ['VALIDATION_FAILED', 422],
    ['ASSET_NOT_FOUND', 422],
    ['BUDGET_EXCEEDED', 422],
    ['NOT_READY', 503],
  ])('that the workflow refuses with %s is answered with %i and not kept', async (code, status) => {
    const id = await place('needs_attention');
    refusal = code;
    const answer = await decide(id, 1, { decision: 'retry' }, { key: `k-${code}` });
    expect([answer.status, answer.error?.code, answer.error?.message]).toEqual([status, code, `refused with ${code}`]);
    refusal = undefined;
    expect((await decide(id, 1, { decision: 'retry' }, { key: `k-${code}` })).status).toBe(202);
  });
});

describe('a decision that cannot be taken', () => {
  const refused = async (send: ReturnType<typeof decide>, status: number, code: string, path?: string) => {
    const answer = await send;
    expect([answer.status, answer.error?.code]).toEqual([status, code]);
    if (path !== undefined) expect(answer.error?.details?.path).toBe(path);
    expect(api.decisions).toEqual([]);
  };

  test.each<ClipState>(['pending', 'generating', 'storing', 'stored', 'skipped', 'failed', 'cancelled'])(
    'about a clip that is %s is WRONG_STATE, with and without a key',
    async (state) => {
      const id = await place(state);
      await refused(decide(id, 1, { decision: 'retry' }), 409, 'WRONG_STATE');
      await refused(decide(id, 1, { decision: 'retry' }, { key: `k-${state}` }), 409, 'WRONG_STATE');
    },
  );

  test("about another owner's clip, or one that is not there, finds nothing", async () => {
    const id = await place('needs_attention');
    await refused(decide(id, 1, { decision: 'skip' }, { caller: ben }), 404, 'NOT_FOUND');
    await refused(decide(uuidv7(), 1, { decision: 'skip' }), 404, 'NOT_FOUND');
    for (const clip of ['2', '0', '1e9', 'abc', '01', '1000000000']) {
      await refused(decide(id, clip, { decision: 'skip' }), 404, 'NOT_FOUND');
    }
  });

  test.each([
    [{}, 'decision'],
    [{ decision: 'buy' }, 'decision'],
    [{ decision: 'skip', prompt: 'x' }, 'prompt'],
    [{ decision: 'fail', model: 'veo-3' }, 'model'],
    [{ decision: 'skip', budgetUsd: 5 }, 'budgetUsd'],
    [{ decision: 'retry', budgetUsd: -5 }, 'budgetUsd'],
    [{ decision: 'retry', budgetUsd: 1e12 }, 'budgetUsd'],
    [{ decision: 'retry', prompt: 'x'.repeat(4001) }, 'prompt'],
    [{ decision: 'retry', model: 'sora' }, 'model'],
    [{ decision: 'retry', seed: 5 }, 'seed'],
    [{ decision: 'retry', firstImage: {} }, 'firstImage'],
  ])('for saying %j is refused by the name of the field', async (body, path) => {
    const id = await place('needs_attention');
    await refused(decide(id, 1, body), 422, 'VALIDATION_FAILED', path);
  });

  test('with an image out of public reach is URL_REFUSED', async () => {
    const id = await place('needs_attention');
    const body = { decision: 'retry', lastImage: { url: 'http://169.254.169.254/latest' } };
    await refused(decide(id, 1, body), 422, 'URL_REFUSED', 'lastImage.url');
  });
});
