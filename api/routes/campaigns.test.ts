import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newCampaign } from '../../test/support/api-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { CampaignJson } from '../schemas/campaigns.schema.js';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

const change = (id: string, body: unknown, caller = anna) =>
  caller.patch<CampaignJson>(`/api/v3/campaigns/${id}`, body);
const read = async (id: string) => (await anna.get<CampaignJson>(`/api/v3/campaigns/${id}`)).data;

describe("a campaign's budget", () => {
  test('is none unless it is given, and can be raised and taken away', async () => {
    const { id, clientId } = await newCampaign(anna);
    expect((await read(id)).budgetUsd).toBeNull();
    const body = { clientId, name: 'Spring', goal: 'bookings', budgetUsd: 12.5 };
    const made = await anna.post<CampaignJson>('/api/v3/campaigns', body);
    expect([made.status, made.data.budgetUsd]).toEqual([201, 12.5]);
    const raised = await change(made.data.id, { budgetUsd: 20 });
    expect([raised.status, raised.data.budgetUsd]).toEqual([200, 20]);
    expect(await read(made.data.id)).toEqual(raised.data);
    expect((await change(made.data.id, { budgetUsd: null })).data.budgetUsd).toBeNull();
  });

  test.each([-1, 0, 1e12, '5'])('of %j is refused, and nothing is made or changed', async (budgetUsd) => {
    const { id, clientId } = await newCampaign(anna);
    const before = [await read(id), await api.countRows('campaigns')];
    const answers = [
      await change(id, { budgetUsd }),
      await anna.post('/api/v3/campaigns', { clientId, name: 'x', goal: 'y', budgetUsd }),
    ];
    for (const { status, error } of answers) expect([status, error?.details?.path]).toEqual([422, 'budgetUsd']);
    expect([await read(id), await api.countRows('campaigns')]).toEqual(before);
  });
});

describe('a change of a campaign', () => {
  test('leaves what it does not name, and clears what it sets to null', async () => {
    const { clientId } = await newCampaign(anna);
    const made = await anna.post<CampaignJson>('/api/v3/campaigns', {
      clientId,
      name: 'Spring',
      goal: 'bookings',
      productUrl: 'https://example.com/',
      brief: { tone: 'calm' },
      metadata: { a: 1 },
    });
    const { id } = made.data;
    const changed = await change(id, { name: 'Summer', status: 'active', productUrl: null, metadata: { b: 2 } });
    expect(changed.data).toEqual({
      ...made.data,
      name: 'Summer',
      status: 'active',
      productUrl: null,
      metadata: { b: 2 },
      updatedAt: changed.data.updatedAt,
    });
    expect((await change(id, {})).data).toMatchObject({ name: 'Summer', brief: { tone: 'calm' } });
  });

  test("is refused for another owner's campaign, for one that is not there, and for unknown fields", async () => {
    const { id } = await newCampaign(anna);
    const before = await read(id);
    const ben = await api.caller('Ben');
    expect((await change(id, { name: 'x' }, ben)).status).toBe(404);
    expect((await change(uuidv7(), { name: 'x' })).status).toBe(404);
    expect((await change(id, { colour: 'red' })).error?.details?.path).toBe('colour');
    expect((await change(id, { clientId: uuidv7() })).error?.details?.path).toBe('clientId');
    expect(await read(id)).toEqual(before);
  });
});
