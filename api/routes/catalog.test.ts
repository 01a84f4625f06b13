import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

interface Row {
  id: string;
  name: string;
  clientId?: string;
}

const newClient = async (caller: Caller, name = 'Villas Ltd'): Promise<Row> =>
  (await caller.post<Row>('/api/v3/clients', { name })).data;

describe('clients', () => {
  test('are created with all their fields, answered with 201 and a Location, and read again as they were', async () => {
    const body = {
      name: 'Villas Ltd',
      description: 'Lets houses',
      homepage: 'https://villas.example',
      brandGuidelines: { colors: ['#123456'], tone: 'calm' },
      metadata: { crm: { id: 7 } },
    };
    const created = await anna.post<Row>('/api/v3/clients', body);
    expect(created.status).toBe(201);
    expect(created.data).toMatchObject(body);
    expect(created.headers.get('location')).toBe(`/api/v3/clients/${created.data.id}`);
    const read = await anna.get<Row>(`/api/v3/clients/${created.data.id}`);
    expect(read.status).toBe(200);
    expect(read.data).toEqual(created.data);
  });

  test('are listed newest first, page by page, with the total of all matches', async () => {
    const lister = await api.caller('Lister');
    for (const name of ['one', 'two', 'three']) await newClient(lister, name);
    const first = await lister.get<Row[]>('/api/v3/clients?limit=2');
    expect(first.data.map((row) => row.name)).toEqual(['three', 'two']);
    expect(first.meta).toMatchObject({ page: 1, limit: 2, total: 3 });
    const second = await lister.get<Row[]>('/api/v3/clients?limit=2&page=2');
    expect(second.data.map((row) => row.name)).toEqual(['one']);
    expect(second.meta).toMatchObject({ page: 2, limit: 2, total: 3 });
  });

  test.each([
    ['an unknown field', { name: 'x', colour: 'red' }, 'colour'],
    ['a name that is missing', {}, 'name'],
    ['a name of blanks', { name: '  ' }, 'name'],
    ['a name of 201 characters', { name: 'x'.repeat(201) }, 'name'],
    ['a NUL in the name', { name: 'a\0b' }, 'name'],
    ['half a surrogate pair in the metadata', { name: 'x', metadata: { deep: [{ a: '\ud800' }] } }, 'metadata'],
    ['a NUL in a key of the metadata', { name: 'x', metadata: { 'a\0': 1 } }, 'metadata'],
    ['metadata of more than 16 KiB', { name: 'x', metadata: { a: 'x'.repeat(17_000) } }, 'metadata'],
    ['a homepage that is no URL', { name: 'x', homepage: 'javascript:alert(1)' }, 'homepage'],
    [
      'an unknown field within the guidelines',
      { name: 'x', brandGuidelines: { color: 'red' } },
      'brandGuidelines.color',
    ],
    ['a list instead of an object', [], 'body'],
  ])('are refused for %s by the name of the field, and nothing is stored', async (_what, body, path) => {
    const before = await api.countRows('clients');
    const answer = await anna.post('/api/v3/clients', body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path } });
    expect(answer.error?.message).toContain(path);
    expect(await api.countRows('clients')).toBe(before);
  });

  test('are kept with any text that Postgres can hold, an escaped backslash before u0000 included', async () => {
    const metadata = { text: 'a\\u0000 is no NUL', list: [1, null, true, 'ü', '😀'] };
    const created = await anna.post<{ metadata: unknown }>('/api/v3/clients', { name: '😀', metadata });
    expect(created.status).toBe(201);
    expect(created.data.metadata).toEqual(metadata);
  });

  test.each([
    ['page=0', 'page'],
    ['page=x', 'page'],
    ['limit=101', 'limit'],
    ['limit=1.5', 'limit'],
    ['page=1&page=2', 'page'],
    ['sort=name', 'sort'],
  ])('are not listed for ?%s', async (query, path) => {
    const answer = await anna.get(`/api/v3/clients?${query}`);
    expect(answer.status).toBe(422);
    expect(answer.error?.details?.path).toBe(path);
  });
});

describe('campaigns', () => {
  test('are created for a client of the owner and filtered by client and status', async () => {
    const client = await newClient(anna);
    const other = await newClient(anna);
    const body = {
      clientId: client.id,
      name: 'Summer',
      goal: 'bookings',
      status: 'active',
      brief: { for: ['families'] },
    };
    const created = await anna.post<Row>('/api/v3/campaigns', body);
    expect(created.status).toBe(201);
    expect(created.data).toMatchObject(body);
    expect(created.headers.get('location')).toBe(`/api/v3/campaigns/${created.data.id}`);
    expect((await anna.get<Row>(`/api/v3/campaigns/${created.data.id}`)).data).toEqual(created.data);
    await anna.post('/api/v3/campaigns', { clientId: other.id, name: 'Winter', goal: 'calm' });
    const ids = async (query: string): Promise<string[]> =>
      (await anna.get<Row[]>(`/api/v3/campaigns?${query}`)).data.map((row) => row.id);
    expect(await ids(`clientId=${client.id}`)).toEqual([created.data.id]);
    expect(await ids(`clientId=${client.id.toUpperCase()}`)).toEqual([created.data.id]);
    expect(await ids(`clientId=${client.id}&status=draft`)).toEqual([]);
    expect(await ids(`clientId=${randomUUID()}`)).toEqual([]);
  });

  test('are drafts unless something else is said', async () => {
    const client = await newClient(anna);
    const created = await anna.post('/api/v3/campaigns', { clientId: client.id, name: 'n', goal: 'g' });
    expect(created.data).toMatchObject({ status: 'draft', productUrl: null, brief: null, metadata: {} });
  });

  test("are refused with CLIENT_NOT_FOUND for a missing client and another owner's alike", async () => {
    const foreign = await newClient(ben);
    const before = await api.countRows('campaigns');
    for (const clientId of [foreign.id, randomUUID()]) {
      const answer = await anna.post('/api/v3/campaigns', { clientId, name: 'n', goal: 'g' });
      expect(answer.status).toBe(422);
      expect(answer.error).toMatchObject({ code: 'CLIENT_NOT_FOUND', details: { path: 'clientId' } });
    }
    expect(await api.countRows('campaigns')).toBe(before);
  });

  test.each([
    ['a client id that is no UUID', { clientId: 'abc', name: 'n', goal: 'g' }, 'clientId', 'abc'],
    [
      'an unknown status',
      { clientId: randomUUID(), name: 'n', goal: 'g', status: 'on' },
      'status',
      'active or archived or draft',
    ],
    ['a missing goal', { clientId: randomUUID(), name: 'n' }, 'goal', 'nothing'],
  ])('are refused for %s, saying what was expected and seen', async (_what, body, path, said) => {
    const answer = await anna.post('/api/v3/campaigns', body);
    expect(answer.status).toBe(422);
    expect(answer.error?.details?.path).toBe(path);
    expect(answer.error?.message).toContain(said);
  });
});

describe('an owner', () => {
  test("gets the same 404 for another owner's rows as for missing ones, and does not see them in lists", async () => {
    const client = await newClient(ben, 'Of Ben');
    const campaign = (await ben.post<Row>('/api/v3/campaigns', { clientId: client.id, name: 'Of Ben', goal: 'g' }))
      .data;
    const missing = randomUUID();
    for (const [path, id] of [
      ['clients', client.id],
      ['campaigns', campaign.id],
    ]) {
      const foreign = await anna.get(`/api/v3/${path}/${id}`);
      const absent = await anna.get(`/api/v3/${path}/${missing}`);
      expect(foreign.status).toBe(404);
      expect(foreign.error?.code).toBe('NOT_FOUND');
      expect(foreign.error?.message.replace(String(id), missing)).toBe(absent.error?.message);
      expect(absent.status).toBe(404);
      const listed = await anna.get<Row[]>(`/api/v3/${path}?limit=100`);
      expect(listed.data.map((row) => row.name)).not.toContain('Of Ben');
    }
  });

  test('gets 404 for an id that is no UUID', async () => {
    for (const path of ['clients', 'campaigns', 'assets', 'jobs']) {
      const answer = await anna.get(`/api/v3/${path}/1`);
      expect(answer.status).toBe(404);
      expect(answer.error?.code).toBe('NOT_FOUND');
    }
  });
});
