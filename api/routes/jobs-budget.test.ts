import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clips, order, refused } from '../../test/support/job-orders.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

/** 4 s at 0.10 and 8 s at 0.10 US dollars. */
const body = (fields: object) => ({
  kind: 'clips',
  clips: [
    { prompt: 'short', durationSeconds: 4 },
    { prompt: 'long', durationSeconds: 8 },
  ],
  ...fields,
});

describe('the budget of an order', () => {
  test.each([1.2, 999_999])('of %d that covers its estimate is kept and shown', async (budgetUsd) => {
    const { status, data } = await order(anna, body({ budgetUsd }));
    expect(status).toBe(202);
    expect(data).toMatchObject({ budgetUsd, estimatedCostUsd: 1.2, warnings: [] });
    expect((await anna.get(`/api/v3/jobs/${data.id}`)).data).toMatchObject({ budgetUsd });
  });

  test.each([0.4, 1.199999])('of %d that covers a clip and not all is taken with a warning', async (budgetUsd) => {
    const { status, data } = await order(anna, body({ budgetUsd }));
    expect(status).toBe(202);
    expect(data.budgetUsd).toBe(budgetUsd);
    expect(data.warnings).toEqual([
      `the budget of ${budgetUsd} US dollars is below the estimate of 1.2: clips that it does not cover wait for a decision`,
    ]);
  });

  test('that does not cover its cheapest clip is refused, with the price of that clip', async () => {
    const answer = await refused(api, anna, body({ budgetUsd: 0.399999 }));
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'budgetUsd: expected at least 0.4, the price of the cheapest clip, got 0.399999',
      details: { path: 'budgetUsd' },
    });
  });

  test('is brought to the six decimals of the ledger', async () => {
    expect((await order(anna, body({ budgetUsd: 1.23456789 }))).data.budgetUsd).toBe(1.234568);
  });
});

describe('what an order says of failed clips', () => {
  test('is to wait for a decision where it says nothing', async () => {
    const { data } = await order(anna, clips('x'));
    expect(await api.database.knex('jobs').where({ id: data.id }).first()).toMatchObject({ on_clip_failure: 'wait' });
  });

  test.each(['wait', 'skip', 'fail'])('is kept: %s', async (onClipFailure) => {
    const { status, data } = await order(anna, { ...clips('x'), onClipFailure });
    expect(status).toBe(202);
    expect(await api.database.knex('jobs').where({ id: data.id }).first()).toMatchObject({
      on_clip_failure: onClipFailure,
    });
  });
});
