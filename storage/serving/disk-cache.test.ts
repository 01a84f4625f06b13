import { execFile, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CachedBlob, DiskCache, type DiskCacheOptions } from './disk-cache.js';

const CHUNK = 64 * 1024;

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelwright-cache-test-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'cache-'));
});

const opened: DiskCache[] = [];
afterEach(async () => {
  for (const cache of opened.splice(0)) await cache.close();
});

async function open(options: Partial<DiskCacheOptions> = {}): Promise<DiskCache> {
  const cache = new DiskCache({ folder, maxBytes: 100 * CHUNK, ...options });
  await cache.adopt();
  opened.push(cache);
  return cache;
}

interface Content {
  blob: CachedBlob;
  bytes: Buffer;
}

function content(size: number): Content {
  const bytes = randomBytes(size);
  return { bytes, blob: { sha256: createHash('sha256').update(bytes).digest('hex'), size, chunk_size: CHUNK } };
}

const chunk = ({ bytes }: Content, n: number): Buffer => bytes.subarray(n * CHUNK, (n + 1) * CHUNK);
const count = ({ blob }: Content): number => Math.ceil(blob.size / CHUNK);

async function keepAll(cache: DiskCache, one: Content): Promise<void> {
  for (let n = 0; n < count(one); n += 1) cache.keep(one.blob, n, chunk(one, n));
  await cache.settle();
}

/** Which chunks it has, each of which must be right. */
async function present(cache: DiskCache, one: Content): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < count(one); n += 1) {
    if (!cache.has(one.blob, n)) continue;
    const bytes = await cache.read(one.blob, n, 0, chunk(one, n).length);
    if (bytes === undefined) continue;
    expect(bytes.equals(chunk(one, n))).toBe(true);
    found.push(n);
  }
  return found;
}

describe('chunks on disk', () => {
  test('are given back as they came, whole or in part, in whatever order they came', async () => {
    const cache = await open();
    const one = content(5 * CHUNK + 9);
    for (const n of [3, 0, 5, 1]) cache.keep(one.blob, n, chunk(one, n));
    await cache.settle();
    expect(await present(cache, one)).toEqual([0, 1, 3, 5]);
    expect((await cache.read(one.blob, 3, 7, 100))?.equals(chunk(one, 3).subarray(7, 107))).toBe(true);
    expect(cache.bytes).toBe(3 * CHUNK + 9);
    expect(await cache.read(one.blob, 2, 0, 1)).not.toEqual(chunk(one, 2).subarray(0, 1));
  });

  test('make room for newer ones: what was used the longest ago goes first', async () => {
    const cache = await open({ maxBytes: 10 * CHUNK });
    const [first, second, third] = [content(4 * CHUNK), content(4 * CHUNK), content(4 * CHUNK)];
    await keepAll(cache, first);
    await keepAll(cache, second);
    await present(cache, first);
    await keepAll(cache, third);
    expect(await present(cache, first)).toHaveLength(4);
    expect(await present(cache, second)).toHaveLength(0);
    expect(await present(cache, third)).toHaveLength(4);
    expect(cache.bytes).toBe(8 * CHUNK);
    expect(await readdir(folder)).toHaveLength(2);
  });

  test('of a blob that is larger than the cache fill it and no more', async () => {
    const cache = await open({ maxBytes: 3 * CHUNK });
    const large = content(8 * CHUNK);
    await keepAll(cache, large);
    expect(cache.bytes).toBeLessThanOrEqual(3 * CHUNK);
    expect(await present(cache, large)).toEqual([0, 1, 2]);
  });

  test('that come twice at once count once', async () => {
    const cache = await open();
    const one = content(2 * CHUNK);
    for (let time = 0; time < 5; time += 1) cache.keep(one.blob, 0, chunk(one, 0));
    await cache.settle();
    expect(cache.bytes).toBe(CHUNK);
  });

  test('are read on by whoever reads them while they make room', async () => {
    const cache = await open({ maxBytes: 4 * CHUNK });
    const [old, other] = [content(4 * CHUNK), content(4 * CHUNK)];
    await keepAll(cache, old);
    const reading = Promise.all([0, 1, 2, 3].map((n) => cache.read(old.blob, n, 0, CHUNK)));
    for (let n = 0; n < 4; n += 1) cache.keep(other.blob, n, chunk(other, n));
    const read = await reading;
    for (const [n, bytes] of read.entries()) if (bytes !== undefined) expect(bytes.equals(chunk(old, n))).toBe(true);
    await cache.settle();
    expect(cache.bytes).toBe(4 * CHUNK);
  });

  test('keep few files open, whatever their number', async () => {
    const cache = await open({ openFiles: 3 });
    const many = Array.from({ length: 12 }, () => content(2 * CHUNK));
    for (const one of many) await keepAll(cache, one);
    for (const one of many) expect(await present(cache, one)).toHaveLength(2);
    await cache.settle();
    const { stdout } = await promisify(execFile)('ls', ['-l', `/proc/${process.pid}/fd`]);
    expect(stdout.split('\n').filter((line) => line.includes(folder)).length).toBeLessThanOrEqual(3);
    await cache.close();
  });
});

describe('a folder that an earlier process has left', () => {
  test('gives what is complete, and is rid of the rest', async () => {
    const [whole, half] = [content(4 * CHUNK + 1), content(4 * CHUNK)];
    const before = await open();
    await keepAll(before, whole);
    before.keep(half.blob, 0, chunk(half, 0));
    await before.close();
    await writeFile(join(folder, 'somebody-elses'), 'left alone');
    const after = await open();
    expect(await present(after, whole)).toHaveLength(5);
    expect(await present(after, half)).toHaveLength(0);
    expect(after.bytes).toBe(whole.blob.size);
    expect((await readdir(folder)).toSorted()).toEqual(
      [`${whole.blob.sha256}-${whole.blob.size}`, 'somebody-elses'].toSorted(),
    );
  });

  test('keeps to the limit, and the newest', async () => {
    const [old, recent] = [content(4 * CHUNK), content(4 * CHUNK)];
    const before = await open();
    for (const one of [old, recent]) await keepAll(before, one);
    await before.close();
    await utimes(join(folder, `${old.blob.sha256}-${old.blob.size}`), 1, 1);
    const after = await open({ maxBytes: 6 * CHUNK });
    expect(await present(after, recent)).toHaveLength(4);
    expect(await present(after, old)).toHaveLength(0);
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('of a process that was killed while it wrote has no wrong byte', async () => {
    const child = fork(fileURLToPath(new URL('./disk-cache-child.ts', import.meta.url)), [folder, String(CHUNK)], {
      execArgv: ['--import', 'tsx'],
    });
    const seen: CachedBlob[] = [];
    child.on('message', (blob) => seen.push(blob as CachedBlob));
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(30);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const after = await open({ maxBytes: 1e9 });
    let complete = 0;
    for (const blob of seen) {
      if (!after.has(blob, 0)) continue;
      const hash = createHash('sha256');
      for (let n = 0; n * CHUNK < blob.size; n += 1)
        hash.update((await after.read(blob, n, 0, Math.min(CHUNK, blob.size - n * CHUNK))) ?? '');
      expect(hash.digest('hex')).toBe(blob.sha256);
      complete += 1;
    }
    expect(complete).toBeGreaterThan(0);
  });
});

describe('trouble with the disk', () => {
  test('that was cut short, or emptied, is not there; and is filled again', async () => {
    const troubles: unknown[] = [];
    const cache = await open({ openFiles: 1, onTrouble: (error) => troubles.push(error) });
    const [cut, gone, third] = [content(2 * CHUNK), content(2 * CHUNK), content(CHUNK)];
    for (const one of [cut, gone, third]) await keepAll(cache, one);
    await truncate(join(folder, `${cut.blob.sha256}-${cut.blob.size}`), CHUNK + 5);
    await rm(join(folder, `${gone.blob.sha256}-${gone.blob.size}`));
    expect(await cache.read(cut.blob, 1, 0, CHUNK)).toBeUndefined();
    expect(await cache.read(gone.blob, 0, 0, CHUNK)).toBeUndefined();
    expect([cache.has(cut.blob, 0), cache.has(gone.blob, 0)]).toEqual([false, false]);
    await cache.settle();
    for (const one of [cut, gone]) await keepAll(cache, one);
    for (const one of [cut, gone]) expect(await present(cache, one)).toHaveLength(2);
    expect(troubles).toEqual([]);
  });

  test.runIf(process.getuid?.() === 0)('that is full keeps nothing more, says so, and goes on later', async () => {
    const small = join(root, 'small-disk');
    await mkdir(small);
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${4 * CHUNK}`, 'tmpfs', small]);
    try {
      const troubles: NodeJS.ErrnoException[] = [];
      const onTrouble = (error: unknown): void => void troubles.push(error as NodeJS.ErrnoException);
      const cache = await open({ folder: small, restMs: 50, onTrouble });
      const [large, fits] = [content(8 * CHUNK), content(2 * CHUNK)];
      await keepAll(cache, large);
      expect(troubles.some(({ code }) => code === 'ENOSPC')).toBe(true);
      expect(await present(cache, large)).toHaveLength(0);
      await expect
        .poll(async () => {
          await keepAll(cache, fits);
          return await present(cache, fits);
        })
        .toHaveLength(2);
      await cache.close();
    } finally {
      await promisify(execFile)('umount', [small]);
    }
  });
});
