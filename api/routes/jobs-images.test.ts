import type { LookupFunction } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uploadImage } from '../../test/support/api-fixtures.js';
import { order, refused } from '../../test/support/job-orders.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { createAddressGuard } from '../../web/address-guard.js';

const ADDRESSES: Record<string, string> = {
  'images.example': '93.184.216.34',
  'inside.example': '10.0.0.1',
  'rebound.example': '169.254.169.254',
  'studio.example': '192.168.1.5',
};

let api: RunningApi;
let anna: Caller;
let asked: string[] = [];
beforeAll(async () => {
  const lookup = ((name, _options, done) => {
    asked.push(name);
    const address = ADDRESSES[name];
    if (name === 'slow.example') return;
    if (address === undefined) done(new Error('ENOTFOUND'), []);
    else done(null, [{ address, family: 4 }]);
  }) as LookupFunction;
  api = await startApi({
    config: { addressCheckMs: 300 },
    deps: () => ({ addressGuard: createAddressGuard({ allowed: ['studio.example:8080'], lookup }) }),
  });
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

const withImages = (...images: object[]) => ({
  kind: 'clips',
  clips: images.map((image) => ({ prompt: 'The pool', ...image })),
});

describe('an order of clips whose images are addresses', () => {
  test('is taken; the clips keep the addresses and have no assets yet, and each name is asked for once', async () => {
    const asset = await uploadImage(anna, { red: 7 });
    asked = [];
    const answer = await order(
      anna,
      withImages(
        { firstImage: { url: 'https://images.example/a.jpg?token=1' }, lastImage: { url: 'https://images.example/b' } },
        { firstImage: { assetId: asset.id }, lastImage: { url: 'http://93.184.216.34/c.jpg' } },
        { firstImage: { url: 'http://studio.example:8080/d.png' } },
        {},
      ),
    );
    expect(answer.status).toBe(202);
    const rows = await api.database.knex('clips').where({ job_id: answer.data.id }).orderBy('number');
    expect(rows.map((row) => [row.first_asset_id, row.last_asset_id, row.first_image_url, row.last_image_url])).toEqual(
      [
        [null, null, 'https://images.example/a.jpg?token=1', 'https://images.example/b'],
        [asset.id, null, null, 'http://93.184.216.34/c.jpg'],
        [null, null, 'http://studio.example:8080/d.png', null],
        [null, null, null, null],
      ],
    );
    expect(asked).toEqual(['images.example', 'studio.example']);
    expect(await api.countRows('assets')).toBe(1);
    expect(JSON.stringify(answer.data)).not.toContain('token');
  });

  test.each([
    ['file:///etc/passwd', 'a file: address'],
    ['ftp://images.example/a.jpg', 'a ftp: address'],
    ['images.example/a.jpg', 'something that is not an address'],
    ['https://hidden:hidden@images.example/a.jpg', 'with one'],
    ['http://169.254.169.254/latest/meta-data/?hidden', 'link local'],
    ['http://127.0.0.1:5432/?hidden', 'loopback'],
    ['http://[::ffff:10.0.0.1]/', 'ipv4 mapped'],
    ['http://0x0a000001/', 'another one of 10.0.0.1'],
    ['https://inside.example/?hidden', 'private'],
    ['https://rebound.example/', 'link local'],
    ['http://studio.example/', 'private'],
    ['https://nowhere.example/?hidden', 'does not resolve'],
    ['https://slow.example/', 'does not resolve'],
  ])('is refused for %s, by the path of the address, and nothing is stored', async (url, said) => {
    const body = withImages({}, { firstImage: { url: 'https://images.example/' }, lastImage: { url } });
    const answer = await refused(api, anna, body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'URL_REFUSED', details: { path: 'clips.1.lastImage.url' } });
    expect(answer.error?.message).toMatch(/^clips\.1\.lastImage\.url: expected /);
    expect(answer.error?.details?.seen).toContain(said);
    expect(JSON.stringify(answer.error) + api.log()).not.toContain('hidden');
  });

  test('is refused for what its model does not make before any name is asked for', async () => {
    asked = [];
    const answer = await refused(api, anna, withImages({ lastImage: { url: 'https://images.example/a.jpg' } }));
    expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path: 'clips.0.firstImage' } });
    expect(asked).toEqual([]);
  });
});
