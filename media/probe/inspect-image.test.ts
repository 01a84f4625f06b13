import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectImage } from './inspect-image.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-inspect-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const drawing = (): Sharp => sharp({ create: { width: 8, height: 4, channels: 3, background: 'red' } });

async function inspect(bytes: Buffer | string): ReturnType<typeof inspectImage> {
  const path = join(folder, 'file');
  await writeFile(path, bytes);
  return await inspectImage(path);
}

describe('inspectImage', () => {
  it.each<[string, (image: Sharp) => Sharp]>([
    ['image/jpeg', (image) => image.jpeg()],
    ['image/png', (image) => image.png()],
    ['image/webp', (image) => image.webp()],
    ['image/gif', (image) => image.gif()],
  ])('knows %s by its bytes', async (contentType, format) => {
    expect(await inspect(await format(drawing()).toBuffer())).toEqual({ contentType, width: 8, height: 4 });
  });

  it('gives the dimensions as shown', async () => {
    const turned = await drawing().jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await inspect(turned)).toMatchObject({ width: 4, height: 8 });
  });

  it('takes nothing else, though the library could read it', async () => {
    const others = [
      await drawing().tiff().toBuffer(),
      '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"/>',
      '',
    ];
    for (const bytes of others) {
      await expect(inspect(bytes)).rejects.toMatchObject({
        code: 'MEDIA_UNREADABLE',
        details: { expected: 'a JPEG, PNG, WebP or GIF image', seen: 'something else' },
      });
    }
  });

  it('says what a broken image was meant to be, and not where it lay', async () => {
    const broken = (await drawing().png().toBuffer()).subarray(0, 20);
    await expect(inspect(broken)).rejects.toMatchObject({
      message: 'expected a JPEG, PNG, WebP or GIF image, got a broken image/png file',
    });
  });
});
