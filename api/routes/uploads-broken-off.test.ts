import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

async function leavesNothing(work: () => Promise<void>): Promise<void> {
  await work();
  // A request whose client has left may still be at the beginning of its work.
  await expect.poll(() => api.uploadsLeft()).toEqual([]);
  const tables = ['assets', 'blobs', 'blob_chunks'];
  expect(await Promise.all(tables.map((table) => api.countRows(table)))).toEqual([0, 0, 0]);
}

describe('an upload', () => {
  test('whose sender is gone before anything of it is read leaves nothing behind', async () => {
    await leavesNothing(async () => {
      const { port } = new URL(api.url);
      const head = `POST /api/v3/assets HTTP/1.1\r\nHost: x\r\nX-API-Key: ${anna.key}\r\nContent-Length: 500\r\n`;
      for (let count = 0; count < 20; count += 1) {
        const socket = connect(Number(port), '127.0.0.1');
        await once(socket, 'connect');
        const sent = new Promise((done) =>
          socket.write(`${head}Content-Type: multipart/form-data; boundary=b\r\n\r\n`, done),
        );
        await sent;
        socket.destroy();
      }
      await expect.poll(() => api.log().match(/"complete":false/g)?.length ?? 0).toBeGreaterThanOrEqual(20);
    });
  });

  test('that its sender breaks off leaves nothing behind', async () => {
    await leavesNothing(async () => {
      const stop = new AbortController();
      const body = new ReadableStream({
        start(sink) {
          sink.enqueue(
            Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nthe beginning'),
          );
        },
      });
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      const init = { method: 'POST', body, headers, duplex: 'half', signal: stop.signal };
      const broken = anna.fetch('/api/v3/assets', init as RequestInit).catch((error: unknown) => error);
      await expect.poll(() => api.uploadsLeft()).toHaveLength(1);
      stop.abort();
      expect(await broken).toBeInstanceOf(DOMException);
    });
  });
});
