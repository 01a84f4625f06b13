/** What becomes of uploads that come together, slowly, disguised, or on to a disk that is full. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AssetRow, jpeg } from '../../test/support/api-fixtures.js';
import { type Caller, form, type RunningApi, startApi } from '../../test/support/running-api.js';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

const document = (text: string): FormData => form({ file: Buffer.from(text), name: 'a text', type: 'document' });

async function rows(): Promise<number[]> {
  return await Promise.all(
    ['assets', 'blobs', 'blob_chunks', 'room_reservations'].map((table) => api.countRows(table)),
  );
}

/** Connections of the api that are not at rest. */
async function busyConnections(): Promise<number> {
  const { rows: found } = await api.database.knex.raw<{ rows: { busy: number }[] }>(
    `SELECT count(*) AS busy FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'`,
  );
  return found[0]?.busy ?? 0;
}

/** Begins an upload of `size` bytes and sends no more than the first part. */
async function beginUpload(size = 1_000_000, sent = 64 * 1024): Promise<Socket> {
  const { port } = new URL(api.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n';
  const head = [
    'POST /api/v3/assets HTTP/1.1',
    'Host: x',
    `X-API-Key: ${anna.key}`,
    `Content-Length: ${size}`,
    'Content-Type: multipart/form-data; boundary=b',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${part}${'a'.repeat(sent)}`);
  return socket;
}

describe('uploads', () => {
  test('of the same content are stored once, also when they come together', async () => {
    const before = await rows();
    const file = randomBytes(400_000).toString('hex');
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => anna.post<AssetRow>('/api/v3/assets', document(file))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    const [assets, blobs, chunks] = (await rows()).map((count, index) => count - (before[index] ?? 0));
    expect([assets, blobs, chunks]).toEqual([8, 1, 4]);
    for (const { data } of answers) {
      expect(await (await anna.fetch(`/api/v3/assets/${data.id}/data`)).text()).toBe(file);
    }
  });

  test.each([
    ['an SVG', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['a page', '<!doctype html><html><script>alert(1)</script></html>'],
  ])('of %s that call themselves a picture are refused, whatever their name and type', async (_what, content) => {
    const before = await rows();
    const data = new FormData();
    data.append('file', new Blob([content], { type: 'image/png' }), 'picture.png');
    data.append('name', 'picture.png');
    data.append('type', 'image');
    const answer = await anna.post('/api/v3/assets', data);
    expect([answer.status, answer.error?.code]).toEqual([422, 'VALIDATION_FAILED']);
    expect(await rows()).toEqual(before);
  });

  test('of a page as a text are never shown as a page', async () => {
    const { data } = await anna.post<AssetRow>('/api/v3/assets', document('<!doctype html><script>alert(1)</script>'));
    const bytes = await anna.fetch(`/api/v3/assets/${data.id}/data`);
    expect(bytes.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(bytes.headers.get('content-disposition')).toMatch(/^attachment;/);
    expect(bytes.headers.get('x-content-type-options')).toBe('nosniff');
    expect(bytes.headers.get('content-security-policy')).toContain('sandbox');
  });

  test('that their sender cuts off in the middle leave no row, no file and no connection', async () => {
    const before = await rows();
    const sockets = await Promise.all(Array.from({ length: 10 }, () => beginUpload()));
    await expect.poll(() => api.uploadsLeft()).toHaveLength(10);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => api.uploadsLeft()).toEqual([]);
    expect(await rows()).toEqual(before);
    expect(await busyConnections()).toBe(0);
  });

  test('of 32 slow senders hold no connection: the api works on, and others upload', async () => {
    const sockets = await Promise.all(Array.from({ length: 32 }, () => beginUpload()));
    try {
      await expect.poll(async () => (await api.uploadsLeft()).length).toBe(32);
      await expect.poll(busyConnections).toBe(0);
      expect((await anna.get('/api/v3/assets')).status).toBe(200);
      const pictures = await Promise.all(
        [1, 2, 3, 4].map(
          async (red) => await anna.post('/api/v3/assets', form({ file: await jpeg(red), name: 'x', type: 'image' })),
        ),
      );
      expect(pictures.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      await expect.poll(() => api.uploadsLeft()).toHaveLength(32);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await expect.poll(() => api.uploadsLeft()).toEqual([]);
  });
});

/** A file system of one megabyte, where this user may make one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'reelwright-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}

const disk = smallDisk();
afterAll(() => {
  if (disk === undefined) return;
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

test.runIf(disk !== undefined)(
  'an upload on to a full disk is NO_DISK_SPACE, leaves nothing, and a smaller one is taken',
  async () => {
    const small = await startApi({ config: { uploadFolder: disk as string } });
    try {
      const ben = await small.caller('Ben');
      const full = await ben.post('/api/v3/assets', document('a'.repeat(1_500_000)));
      expect([full.status, full.error?.code]).toEqual([503, 'NO_DISK_SPACE']);
      expect(full.headers.get('retry-after')).toMatch(/^\d+$/);
      for (const table of ['assets', 'blobs', 'blob_chunks'])
        expect([table, await small.countRows(table)]).toEqual([table, 0]);
      expect((await ben.post('/api/v3/assets', document('a'.repeat(500_000)))).status).toBe(201);
      expect((await ben.post('/api/v3/assets', document('b'.repeat(500_000)))).status).toBe(201);
    } finally {
      await small.stop();
    }
  },
);
