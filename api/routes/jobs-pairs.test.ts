import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
import { order, refused } from '../../test/support/job-orders.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
});
afterAll(() => api.stop());

describe('an order of image pairs', () => {
  test("makes one clip per pair of the campaign's images, in the order of the scenes, with their prompts", async () => {
    const campaign = await newCampaign(anna);
    const image = (red: number, tag: string) => uploadImage(anna, { campaignId: campaign.id, red, tags: [tag] });
    const living = [await image(40, 'Living Room 1'), await image(41, 'Living Room 2')];
    const pool = [await image(42, 'Pool 1'), await image(43, 'Pool 2')];
    const answer = await order(anna, { kind: 'image-pairs', campaignId: campaign.id, clipDuration: 6 });
    expect(answer.status).toBe(202);
    expect(answer.data).toMatchObject({
      kind: 'image-pairs',
      name: 'Villa Azul',
      campaignId: campaign.id,
      warnings: [],
    });
    expect(answer.data.clips.map((clip) => [clip.sceneName, clip.durationSeconds])).toEqual([
      ['The Hook (Exterior Feature)', 6],
      ['Living Room (The Sweep)', 6],
    ]);
    expect(answer.data.clips[0]?.prompt).toContain('Water ripples');
    const rows = await api.database.knex('clips').where({ job_id: answer.data.id }).orderBy('number');
    expect(rows.map((row) => [row.first_asset_id, row.last_asset_id])).toEqual([
      [pool[0]?.id, pool[1]?.id],
      [living[0]?.id, living[1]?.id],
    ]);
    expect(api.starts).toMatchObject([{ jobId: answer.data.id, clipCount: 2, campaignId: campaign.id }]);
  });

  test('makes as many pairs as asked for, and warns when the images make fewer', async () => {
    const campaign = await newCampaign(anna);
    for (const red of [50, 51, 52, 53]) await uploadImage(anna, { campaignId: campaign.id, red, tags: ['Pool'] });
    const body = { kind: 'image-pairs', campaignId: campaign.id };
    expect((await order(anna, { ...body, numPairs: 1 })).data.clips).toHaveLength(1);
    const more = await order(anna, { ...body, numPairs: 5 });
    expect(more.data.clips).toHaveLength(2);
    expect(more.data.warnings).toEqual(["5 pairs were asked for; the campaign's images make 2"]);
  });

  test('is refused for a campaign with no image or with one', async () => {
    const campaign = await newCampaign(anna);
    const body = { kind: 'image-pairs', campaignId: campaign.id };
    expect((await refused(api, anna, body)).error).toMatchObject({
      code: 'NOT_ENOUGH_IMAGES',
      details: { path: 'campaignId', seen: '0' },
    });
    await uploadImage(anna, { campaignId: campaign.id, red: 60 });
    const answer = await refused(api, anna, body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'NOT_ENOUGH_IMAGES', details: { path: 'campaignId', seen: '1' } });
  });

  test("is refused for another owner's campaign", async () => {
    const campaign = await newCampaign(ben);
    for (const red of [61, 62]) await uploadImage(ben, { campaignId: campaign.id, red });
    const answer = await refused(api, anna, { kind: 'image-pairs', campaignId: campaign.id });
    expect(answer.error).toMatchObject({ code: 'CAMPAIGN_NOT_FOUND' });
  });

  test.each<[string, object, string]>([
    ['a duration that the model lacks', { clipDuration: 7 }, 'clipDuration'],
    ['a model without last images', { model: 'veo-3-fast' }, 'model'],
    ['0 pairs', { numPairs: 0 }, 'numPairs'],
    ['101 pairs', { numPairs: 101 }, 'numPairs'],
    ['a number of pairs that is a text', { numPairs: '3' }, 'numPairs'],
    ['clips of its own', { clips: [] }, 'clips'],
    ['no campaign', { campaignId: undefined }, 'campaignId'],
  ])('is refused for %s', async (_what, fields, path) => {
    const campaign = await newCampaign(anna);
    const answer = await refused(api, anna, { kind: 'image-pairs', campaignId: campaign.id, ...fields });
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path } });
  });
});
