import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mediaFolder } from '../test-support/media-files.js';
import { identifyProcess } from './process-identity.js';
import { removeStaleWorkDirs, withWorkDir } from './work-dir.js';

const folder = mediaFolder();
let tests = 0;
let root: string;

beforeEach(() => {
  tests += 1;
  root = folder.path(`root-${tests}`);
});

describe('withWorkDir', () => {
  it('gives a folder that only this user can enter, and removes it with its content', async () => {
    const result = await withWorkDir(root, 'cut', async (dir) => {
      expect((await stat(dir)).mode & 0o777).toBe(0o700);
      await mkdir(join(dir, 'deep'));
      await writeFile(join(dir, 'deep', 'clip.mp4'), 'bytes');
      return basename(dir);
    });
    expect(result).toContain(`reelwright-cut.${process.pid}-`);
    expect(await readdir(root)).toEqual([]);
  });

  it('removes the folder and hands the error on when the work fails', async () => {
    const failure = new Error('the work failed');
    const work = withWorkDir(root, 'cut', async (dir) => {
      await writeFile(join(dir, 'clip.mp4'), 'bytes');
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(await readdir(root)).toEqual([]);
  });

  it('gives each of several works at once its own folder', async () => {
    const dirs = await Promise.all([1, 2, 3].map(() => withWorkDir(root, 'cut', (dir) => Promise.resolve(dir))));
    expect(new Set(dirs).size).toBe(3);
  });

  it('refuses a prefix that would lead elsewhere', async () => {
    await expect(withWorkDir(root, '../cut', () => Promise.resolve())).rejects.toThrow(RangeError);
  });
});

describe('removeStaleWorkDirs', () => {
  const children: ChildProcess[] = [];

  /** Another process of ours, in the middle of its work. */
  async function startWorker(): Promise<ChildProcess> {
    const program = `
      import { withWorkDir } from ${JSON.stringify(new URL('./work-dir.ts', import.meta.url).href)};
      await withWorkDir(process.argv[1], 'cut', (dir) => new Promise(() => {
        console.log(dir);
        setInterval(() => {}, 1_000);
      }));`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program, root];
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(worker);
    await once(worker.stdout, 'data');
    return worker;
  }

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('leaves the folders of living processes, and removes those of a killed one', async () => {
    const worker = await startWorker();
    await withWorkDir(root, 'cut', async (own) => {
      const theirs = (await readdir(root)).filter((name) => name !== basename(own));
      expect(theirs).toHaveLength(1);
      expect(await removeStaleWorkDirs(root)).toEqual([]);

      worker.kill('SIGKILL');
      await once(worker, 'exit');
      expect(await removeStaleWorkDirs(root)).toEqual(theirs.map((name) => join(root, name)));
      expect(await readdir(root)).toEqual([basename(own)]);
    });
  });

  it('is not deceived by a living process that got the id of a dead one', async () => {
    const stale = join(root, `reelwright-cut.${process.pid}-1.AbCdEf`);
    await mkdir(stale, { recursive: true });
    await writeFile(join(stale, 'clip.mp4'), 'bytes');
    expect(await removeStaleWorkDirs(root)).toEqual([stale]);
    expect(await readdir(root)).toEqual([]);
  });

  it('touches nothing that it did not make', async () => {
    const others = ['something-else', 'reelwright-cut', 'reelwright-cut.12-34', 'reelwright-cut.12-34.toolong1'];
    for (const name of others) await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, 'reelwright-cut.12-34.AbCdEf'), 'a file, not a folder');
    const before = await readdir(root);
    expect(await removeStaleWorkDirs(root, { ownerIsAlive: () => Promise.resolve(false) })).toEqual([]);
    expect(await readdir(root)).toEqual(before);
  });

  it('asks who owns a folder, and finds nothing where there is no root yet', async () => {
    expect(await removeStaleWorkDirs(root)).toEqual([]);
    await withWorkDir(root, 'cut', async (dir) => {
      const asked: unknown[] = [];
      const ownerIsAlive = (owner: unknown) => Promise.resolve(asked.push(owner) < 0);
      expect(await removeStaleWorkDirs(root, { ownerIsAlive })).toEqual([dir]);
      expect(asked).toEqual([await identifyProcess(process.pid)]);
    });
  });
});
