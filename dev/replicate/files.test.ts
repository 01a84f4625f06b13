import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { call, startTestServer, TOKEN, until } from './test-kit.js';

const BYTES = Buffer.from('not really an image, but bytes are bytes');

it('a file goes in by the client, is described, listed, and gone after its deletion', async () => {
  const { client, url, dir } = await startTestServer();
  const created = await client.files.create(new File([BYTES], 'photo.png', { type: 'image/png' }), { ref: 12 });
  expect(created).toMatchObject({
    id: expect.stringMatching(/^[a-z2-7]{26}$/) as string,
    name: 'photo.png',
    content_type: 'image/png',
    size: BYTES.length,
    checksums: { sha256: createHash('sha256').update(BYTES).digest('hex') },
    metadata: { ref: 12 },
    urls: { get: `${url}/files/${created.id}` },
  });
  expect(Date.parse(String(created.expires_at)) - Date.parse(created.created_at)).toBe(3_600_000);
  expect(await client.files.get(created.id)).toEqual(created);
  const second = await client.files.create(BYTES);
  expect(await client.files.list()).toEqual({ next: null, previous: null, results: [second, created] });

  expect(await client.files.delete(created.id)).toBe(true);
  await expect(client.files.get(created.id)).rejects.toThrow(/404.*File not found/);
  expect((await call({ url }, 'DELETE', `/files/${created.id}`)).status).toBe(404);
  expect(await client.files.list()).toMatchObject({ results: [second] });
  expect(readdirSync(join(dir, 'files')).filter((name) => name.startsWith(created.id))).toEqual([]);
});

it('is downloaded by its signed link without a token, until the link’s time is over', async () => {
  const server = await startTestServer();
  const { id } = await server.client.files.create(new File([BYTES], 'a.bin', { type: 'application/x-test' }));
  const link = async (seconds: number) => {
    const answer = await fetch(`${server.origin}/_local/files/${id}/download-url?seconds=${seconds}`);
    return ((await answer.json()) as { url: string }).url;
  };
  const url = await link(60);
  const download = await fetch(url);
  expect(download.status).toBe(200);
  expect(download.headers.get('content-type')).toBe('application/x-test');
  expect(Buffer.from(await download.arrayBuffer())).toEqual(BYTES);

  const changed = (name: string, value: string) => {
    const other = new URL(url);
    other.searchParams.set(name, value);
    return fetch(other);
  };
  const status = async (answer: Promise<Response>) => (await answer).status;
  expect(await status(changed('signature', 'AAAA'))).toBe(404);
  expect(await status(changed('expiry', '99999999999'))).toBe(404);
  expect(await status(changed('owner', 'somebody'))).toBe(404);
  expect(await status(fetch(await link(-1)))).toBe(404);
});

it('expires: it is neither shown nor on disk any more', async () => {
  const { client, dir } = await startTestServer({ outputTtlMs: 300 });
  const { id } = await client.files.create(BYTES);
  await until('the file has expired', async () => (await client.files.list()).results.length === 0);
  await expect(client.files.get(id)).rejects.toThrow(/404/);
  await until('its bytes are removed', () => readdirSync(join(dir, 'files')).length === 0);
});

it('of 100 MB is refused with 413 and leaves nothing behind', async () => {
  const { url, dir, client } = await startTestServer();
  const upload = async (size: number) => {
    const form = new FormData();
    form.append('content', new Blob([Buffer.alloc(size)]), 'large.bin');
    return fetch(`${url}/files`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, body: form });
  };
  const refused = await upload(100 * 1024 * 1024);
  expect(refused.status).toBe(413);
  expect(await refused.json()).toMatchObject({ detail: 'Files must be less than 100MB in size', status: 413 });
  expect(readdirSync(join(dir, 'files'))).toEqual([]);
  expect((await client.files.list()).results).toEqual([]);
});

it.each([
  ['no content', (form: FormData) => form.append('metadata', '{}'), 'content is required'],
  [
    'a name that is too long',
    (form: FormData) => form.append('content', new Blob(['x']), 'n'.repeat(256)),
    'filename: String length must be less than or equal to 255',
  ],
  [
    'metadata that is no object',
    (form: FormData) => {
      form.append('content', new Blob(['x']), 'a');
      form.append('metadata', '[1]');
    },
    'metadata: Invalid type. Expected: a JSON object',
  ],
])('with %s is refused, and leaves nothing behind', async (_, fill, detail) => {
  const { url, dir } = await startTestServer();
  const form = new FormData();
  fill(form);
  const answer = await fetch(`${url}/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    body: form,
  });
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ detail: `- ${detail}\n` });
  expect(readdirSync(join(dir, 'files'))).toEqual([]);
});

it.each([
  ['application/json', 415],
  ['multipart/form-data', 400],
  ['multipart/form-data; boundary=abc', 400],
])('a body that says %s and is not is refused with %i', async (contentType, status) => {
  const { url } = await startTestServer();
  const answer = await fetch(`${url}/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': contentType },
    body: '{}',
  });
  expect(answer.status).toBe(status);
});

it('that is cut off in the middle leaves nothing behind', async () => {
  const { url, dir } = await startTestServer();
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  const start = '--abc\r\ncontent-disposition: form-data; name="content"; filename="a"\r\n\r\n';
  socket.write(
    `POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\ncontent-length: 1000000\r\n` +
      `content-type: multipart/form-data; boundary=abc\r\n\r\n${start}${'x'.repeat(70_000)}`,
  );
  await until('the first bytes are on disk', () => readdirSync(join(dir, 'files')).length > 0);
  socket.destroy();
  await until('they are removed', () => readdirSync(join(dir, 'files')).length === 0);
});
