import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EncodeRecipe } from '../media/cut/encode-recipe.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import type { ClipRecord } from '../storage/clips-repository.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { encodedClipsOf } from './encoded-clips.js';

let rig: ActivityRig;
let dir: string;
beforeAll(async () => {
  rig = await createActivityRig();
  dir = await mkdtemp(join(tmpdir(), 'reelwright-test-encoded-'));
});
afterAll(async () => {
  await rig.close();
  await rm(dir, { recursive: true });
});

const clip = (number: number, blobSha256: string): ClipRecord => ({ number, blobSha256 }) as ClipRecord;
const recipe = (width: number): EncodeRecipe => ({ target: { width } }) as unknown as EncodeRecipe;

it('keeps an encoded clip by the bytes it came from and by its recipe, whatever its number is', async () => {
  const deps = rig.deps(createFakeProvider());
  const signal = new AbortController().signal;
  const first = encodedClipsOf(deps, [clip(1, 'aa'), clip(2, 'bb')], dir, signal);
  expect(await first.get([1], recipe(1920))).toBeUndefined();
  const file = join(dir, 'made.mp4');
  await writeFile(file, 'an encoded clip');
  await first.put([1], recipe(1920), file);
  await first.put([1], recipe(1920), file);

  const later = encodedClipsOf(deps, [clip(7, 'aa'), clip(8, 'cc')], dir, signal);
  const kept = await later.get([7], recipe(1920));
  expect(await readFile(kept ?? '', 'utf8')).toBe('an encoded clip');
  // Other bytes, or another recipe, are another clip.
  expect(await later.get([8], recipe(1920))).toBeUndefined();
  expect(await later.get([7], recipe(1280))).toBeUndefined();
});

it('keeps a piece of two clips by both of them in their order', async () => {
  const deps = rig.deps(createFakeProvider());
  const signal = new AbortController().signal;
  const hashes = ['dd', 'ee', 'ff'];
  const clips = hashes.map((hash, index) => clip(index + 1, hash));
  const encoded = encodedClipsOf(deps, [...clips, { number: 4, blobSha256: null } as ClipRecord], dir, signal);
  const file = join(dir, 'seam.mp4');
  await writeFile(file, 'a seam');
  await encoded.put([1, 2], recipe(1920), file);
  expect(await readFile((await encoded.get([1, 2], recipe(1920))) ?? '', 'utf8')).toBe('a seam');
  for (const others of [[2, 1], [1, 3], [1], [2], [1, 4]]) {
    expect(await encoded.get(others, recipe(1920)), others.join()).toBeUndefined();
  }
});
