import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AssetRow, jpeg, newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
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

describe('assets', () => {
  test('are listed by type, campaign and client, newest first, with the total', async () => {
    const campaign = await newCampaign(anna);
    const first = await uploadImage(anna, { campaignId: campaign.id, red: 20 });
    const second = await uploadImage(anna, { campaignId: campaign.id, red: 21 });
    const list = async (query: string) => await anna.get<AssetRow[]>(`/api/v3/assets?${query}`);
    const page = await list(`campaignId=${campaign.id}&limit=1`);
    expect(page.data.map((asset) => asset.id)).toEqual([second.id]);
    expect(page.meta).toMatchObject({ page: 1, limit: 1, total: 2 });
    expect((await list(`clientId=${campaign.clientId}&type=image`)).data.map((asset) => asset.id)).toEqual([
      second.id,
      first.id,
    ]);
    expect((await list(`campaignId=${campaign.id}&type=video`)).data).toEqual([]);
    expect((await list('type=picture')).error?.details?.path).toBe('type');
  });

  test("are another owner's business: not listed, not read, not downloaded", async () => {
    const asset = await uploadImage(anna, { red: 22 });
    expect((await ben.get<AssetRow[]>('/api/v3/assets?limit=100')).data.map(({ id }) => id)).not.toContain(asset.id);
    expect((await ben.get(`/api/v3/assets/${asset.id}`)).status).toBe(404);
    expect((await ben.fetch(asset.url)).status).toBe(404);
    expect((await anna.fetch(asset.url)).status).toBe(200);
  });
});

describe('a temporary link', () => {
  test('opens the bytes without a key, and the path of the bytes alone does not', async () => {
    const asset = await uploadImage(anna, { red: 30 });
    const opened = await fetch(api.url + asset.temporaryUrl);
    expect(opened.status).toBe(200);
    expect(Buffer.from(await opened.arrayBuffer()).equals(await jpeg(30))).toBe(true);
    const closed = await api.call(asset.url);
    expect(closed.status).toBe(401);
    expect(closed.headers.get('www-authenticate')).toBe('Bearer');
    const head = await fetch(api.url + asset.temporaryUrl, { method: 'HEAD' });
    expect(head.status).toBe(200);
  });

  test('is refused with 401 when it is expired, tampered with, for another asset, or no token at all', async () => {
    const asset = await uploadImage(anna, { red: 31 });
    const other = await uploadImage(anna, { red: 32 });
    const token = asset.temporaryUrl.split('token=')[1] ?? '';
    const expired = await api.deps.assetLinks.sign(asset.id, { expiresInSeconds: -1 });
    const tampered = token.slice(0, -4) + (token.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    for (const [path, wrong] of [
      [asset.url, expired],
      [asset.url, tampered],
      [other.url, token],
      [asset.url, 'abc'],
      [asset.url, ''],
    ]) {
      const answer = await api.call(`${path}?token=${wrong}`);
      expect(answer.status).toBe(401);
      expect(answer.error?.code).toBe('UNAUTHENTICATED');
    }
  });

  test('of an asset that is not there answers 404', async () => {
    const id = randomUUID();
    const answer = await api.call(`/api/v3/assets/${id}/data?token=${await api.deps.assetLinks.sign(id)}`);
    expect(answer.status).toBe(404);
  });

  test('never reaches the log', async () => {
    const asset = await uploadImage(anna, { red: 33 });
    const token = asset.temporaryUrl.split('token=')[1] ?? '';
    await (await fetch(api.url + asset.temporaryUrl)).arrayBuffer();
    await expect.poll(() => api.log()).toContain(`/api/v3/assets/${asset.id}/data`);
    expect(api.log()).not.toContain(token);
    expect(api.log()).not.toContain(anna.key);
  });
});
