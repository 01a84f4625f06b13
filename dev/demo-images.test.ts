import sharp from 'sharp';
import { expect, test } from 'vitest';
import { pairImages } from '../domain/pairing.js';
import { drawDemoImages } from './demo-images.js';

/** Two colours are clearly different from this distance on; black and white are 441 apart. */
const CLEARLY_DIFFERENT = 40;

async function averageColour(jpeg: Buffer): Promise<number[]> {
  const { channels } = await sharp(jpeg).stats();
  return channels.map((channel) => channel.mean);
}

test('there are six full pictures whose average colours are all clearly different', async () => {
  const images = await drawDemoImages();
  expect(images).toHaveLength(6);
  for (const { data } of images) {
    expect(await sharp(data).metadata()).toMatchObject({ format: 'jpeg', width: 1920, height: 1080 });
  }
  const colours = await Promise.all(images.map(({ data }) => averageColour(data)));
  for (const [index, colour] of colours.entries()) {
    for (const other of colours.slice(index + 1)) {
      expect(Math.hypot(...colour.map((value, channel) => value - (other[channel] ?? 0)))).toBeGreaterThan(
        CLEARLY_DIFFERENT,
      );
    }
  }
});

test('uploaded in their order they pair up to three rooms, each from its first picture to its second', async () => {
  const images = await drawDemoImages();
  const uploaded = images.map(({ fileName, tags }, index) => ({ id: fileName, tags, uploadedAt: index }));
  const pairs = pairImages(uploaded, 3);
  expect(new Set(pairs.map(({ room }) => room))).toEqual(new Set(['Bedroom', 'Kitchen', 'Pool']));
  for (const { firstImageId, lastImageId } of pairs) {
    const first = images.findIndex(({ fileName }) => fileName === firstImageId);
    expect(images[first + 1]?.fileName).toBe(lastImageId);
  }
});
