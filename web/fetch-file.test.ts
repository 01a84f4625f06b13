import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isReelwrightError, type ReelwrightError } from '../domain/errors.js';
import { createAddressGuard } from './address-guard.js';
import { type FetchFileOptions, fetchFile } from './fetch-file.js';
import { type LocalServer, startServer } from './test-support/local-server.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: LocalServer;
let answer: Answer;
let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-fetch-test-'));
  path = join(folder, 'file');
  server = await startServer((request, response) => answer(request, response));
});
afterEach(async () => {
  server.requests.length = 0;
  await rm(path, { force: true });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const OPTIONS: FetchFileOptions = { maxBytes: 1_000, timeLimitMs: 10_000 };

const fetchIt = (address: string, options: Partial<FetchFileOptions> = {}): Promise<number> =>
  fetchFile(createAddressGuard({ allowed: [server.host] }), address, path, { ...OPTIONS, ...options });

async function problemOf(fetching: Promise<number>): Promise<ReelwrightError> {
  const error: unknown = await fetching.then(
    (bytes) => `${bytes} bytes`,
    (thrown) => thrown,
  );
  if (!isReelwrightError(error)) throw new Error(`expected a classified failure, got ${String(error)}`);
  expect(`${error.message} ${String(error.cause)} ${JSON.stringify(error.details)}`).not.toContain('hidden');
  return error;
}

describe('fetchFile', () => {
  it('writes what it gets and tells its size, asking for it as it is', async () => {
    let headers: IncomingMessage['headers'] = {};
    answer = (request, response) => {
      headers = request.headers;
      response.end('an image');
    };
    const seen: number[] = [];
    expect(await fetchIt(`${server.url}/a.jpg?token=1`, { onBytes: (bytes) => seen.push(bytes) })).toBe(8);
    expect(await readFile(path, 'utf8')).toBe('an image');
    expect(server.requests).toEqual(['/a.jpg?token=1']);
    expect(headers['accept-encoding']).toBe('identity');
    expect(seen.at(-1)).toBe(8);
  });

  it.each([301, 302, 303, 307, 308])('follows a redirect of %d, also to a relative address', async (status) => {
    answer = ({ url }, response) => {
      if (url === '/image') response.end('moved');
      else response.writeHead(status, { location: url === '/a' ? '../b' : `${server.url}/image` }).end();
    };
    expect(await fetchIt(`${server.url}/a`)).toBe(5);
    expect(server.requests).toEqual(['/a', '/b', '/image']);
  });

  it('follows five redirects and no more', async () => {
    let redirects = 5;
    answer = ({ url }, response) => {
      const hop = Number(url?.slice(1));
      if (hop < redirects) response.writeHead(302, { location: `/${hop + 1}` }).end();
      else response.end('there');
    };
    expect(await fetchIt(`${server.url}/0`)).toBe(5);
    redirects = 6;
    expect((await problemOf(fetchIt(`${server.url}/0`))).code).toBe('IMAGE_NOT_FETCHED');
  });

  it('refuses a redirect to an address that callers may not name, and does not connect to it', async () => {
    const inside = await startServer((_request, response) => response.end('secret'));
    const { port } = new URL(inside.url);
    for (const location of [
      `${inside.url}/?hidden`,
      `http://localhost:${port}/?hidden`,
      `//127.0.0.1:${port}/`,
      'http://169.254.169.254/latest/meta-data?hidden',
      'http://hidden:hidden@93.184.216.34/',
      'file:///etc/hidden',
    ]) {
      answer = (_request, response) => response.writeHead(302, { location }).end();
      expect((await problemOf(fetchIt(`${server.url}/a`))).code).toBe('URL_REFUSED');
    }
    expect(inside.requests).toEqual([]);
    await inside.close();
  });

  it('refuses a name that was public when it was checked and is private when it is used', async () => {
    const inside = await startServer((_request, response) => response.end('secret'));
    const answers = ['93.184.216.34', '127.0.0.1'];
    const lookup = ((_name, _options, done) => {
      done(null, [{ address: answers.shift() ?? 'asked too often', family: 4 }]);
    }) as LookupFunction;
    const guard = createAddressGuard({ lookup });
    const address = inside.url.replace('127.0.0.1', 'rebinding.example');
    await guard.checkAddress(address, { timeLimitMs: 1_000 });
    expect((await problemOf(fetchFile(guard, `${address}/?hidden`, path, OPTIONS))).code).toBe('URL_REFUSED');
    expect(answers).toEqual([]);
    expect(inside.requests).toEqual([]);
    await inside.close();
  });

  it.each([400, 401, 403, 404, 410, 418, 204, 206, 304])('gives up for good at %d', async (status) => {
    answer = (_request, response) => response.writeHead(status).end();
    const problem = await problemOf(fetchIt(`${server.url}/a.jpg?hidden#hidden`));
    expect(problem).toMatchObject({
      code: 'IMAGE_NOT_FETCHED',
      message: `expected 200 from ${server.url}/a.jpg, got ${status}`,
    });
  });

  it.each([
    [500, undefined, undefined],
    [503, '2', 2_000],
    [429, '30', 30_000],
    [429, '999999999', 600_000],
    [429, 'Thu, 01 Jan 1970 00:00:00 GMT', 0],
    [429, 'soon', undefined],
    [408, undefined, undefined],
  ])('lets %d with Retry-After %s be tried again after %s ms', async (status, header, wait) => {
    answer = (_request, response) => {
      response.writeHead(status, header === undefined ? {} : { 'retry-after': header }).end();
    };
    const problem = await problemOf(fetchIt(`${server.url}/a.jpg?hidden`));
    expect([problem.code, problem.retryAfterMs]).toEqual(['IMAGE_UNREACHABLE', wait]);
    answer = (_request, response) => response.end('now');
    expect(await fetchIt(`${server.url}/a.jpg`)).toBe(3);
  });

  it.each<[string, Answer]>([
    [
      'an announced length',
      (_request, response) => response.writeHead(200, { 'content-length': 1_001 }).flushHeaders(),
    ],
    [
      'bytes without an announcement',
      (_request, response) => {
        response.write(Buffer.alloc(1_000));
        response.write('x');
      },
    ],
    ['a compressed answer', (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
    ['a redirect without a target', (_request, response) => response.writeHead(302).end()],
  ])('gives up for good at too much or what it cannot use: %s', async (_what, theirs) => {
    answer = theirs;
    expect((await problemOf(fetchIt(`${server.url}/a.jpg?hidden`))).code).toBe('IMAGE_NOT_FETCHED');
  });

  it('takes as many bytes as the limit says', async () => {
    answer = (_request, response) => response.end(Buffer.alloc(1_000));
    expect(await fetchIt(server.url)).toBe(1_000);
  });

  it.each<[string, Answer]>([
    [
      'within the announced length',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 500 });
        response.write('x', () => response.destroy());
      },
    ],
    ['within chunks', (_request, response) => void response.write('x', () => response.destroy())],
    ['before the answer', (_request, response) => void response.destroy()],
    ['by nonsense', (_request, response) => void response.socket?.end('hidden hidden\r\n\r\n')],
  ])('lets a connection that breaks be tried again: %s', async (_what, theirs) => {
    answer = theirs;
    expect(await problemOf(fetchIt(`${server.url}/a.jpg?hidden`))).toMatchObject({
      code: 'IMAGE_UNREACHABLE',
      message: expect.stringContaining('a broken connection'),
    });
  });

  it('lets an address where nobody listens and a name that does not resolve be tried again', async () => {
    const gone = await startServer(() => undefined);
    await gone.close();
    const lookup = ((_name, _options, done) => done(new Error('ENOTFOUND'), '', 4)) as LookupFunction;
    const guard = createAddressGuard({ allowed: [gone.host], lookup });
    for (const address of [gone.url, 'https://nowhere.example/?hidden']) {
      expect((await problemOf(fetchFile(guard, address, path, OPTIONS))).code).toBe('IMAGE_UNREACHABLE');
    }
  });

  it.each<[string, Answer]>([
    ['an answer', () => undefined],
    ['the end of the answer', (_request, response) => void response.write('x')],
  ])('waits for %s no longer than the time limit', async (_what, theirs) => {
    answer = theirs;
    expect(await problemOf(fetchIt(`${server.url}/a.jpg?hidden`, { timeLimitMs: 50 }))).toMatchObject({
      code: 'IMAGE_UNREACHABLE',
      message: `expected a complete answer from ${server.url}/a.jpg, got none within 50 ms`,
    });
  });

  it("rejects with the signal's reason when it is aborted, before or within", async () => {
    const reason = new Error('cancelled by the test');
    const early = fetchIt(server.url, { signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
    expect(server.requests).toEqual([]);
    const stop = new AbortController();
    answer = () => stop.abort(reason);
    await expect(fetchIt(server.url, { signal: stop.signal })).rejects.toBe(reason);
  });

  it('does not blame the address when the file cannot be written', async () => {
    answer = (_request, response) => response.end('x');
    const guard = createAddressGuard({ allowed: [server.host] });
    const error = fetchFile(guard, server.url, join(folder, 'missing', 'file'), OPTIONS);
    await expect(error).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('ENOENT') });
  });
});
