import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { mediaFolder } from '../../media/test-support/media-files.js';
import { requireFreshBundle } from './fresh-bundle.js';

const { path } = mediaFolder();
const BUILT = new Date('2026-05-01T10:00:00Z');
const LATER = new Date('2026-05-01T10:00:01Z');
let checkout: string;
let bundle: string;

async function put(file: string, at: Date): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '');
  await utimes(file, at, at);
}

beforeEach(async () => {
  [checkout, bundle] = [path('checkout'), path('workflow-bundle.js')];
  await rm(checkout, { recursive: true, force: true });
  await put(bundle, BUILT);
  await put(join(checkout, 'workflows/video-job.ts'), BUILT);
  await put(join(checkout, 'domain/deep/states.ts'), BUILT);
});

describe('a built workflow bundle', () => {
  it('is right where no workflow code has changed since', async () => {
    await put(join(checkout, 'workflows/video-job.test.ts'), LATER);
    await put(join(checkout, 'api/main.ts'), LATER);
    await requireFreshBundle(bundle, checkout);
  });

  it('is right where there are no sources', async () => {
    await requireFreshBundle(bundle, path('nothing'));
  });

  it.each(['workflows/video-job.ts', 'domain/deep/states.ts'])('is old once %s has changed', async (file) => {
    await put(join(checkout, file), LATER);
    await expect(requireFreshBundle(bundle, checkout)).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining(`${file} after 2026-05-01T10:00:00.000Z: run \`npm run build\``),
    });
  });
});
