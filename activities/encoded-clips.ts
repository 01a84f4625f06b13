import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isReelwrightError } from '../domain/errors.js';
import type { EncodeRecipe } from '../media/cut/encode-recipe.js';
import type { EncodedClips } from '../media/cut/make-piece.js';
import type { ClipRecord } from '../storage/clips-repository.js';
import { type EncodedClipKey, findEncodedClip, keepEncodedClip } from '../storage/encoded-clips.js';
import type { ActivityDeps } from './deps.js';
import { sha256 } from './intent.js';

/**
 * Keeps encoded pieces in the blob store by the content of the clips that they were made from, so that a second cut encodes
 * only what has changed. Files are written into `dir`.
 */
export function encodedClipsOf(
  { knex, blobs }: Pick<ActivityDeps, 'knex' | 'blobs'>,
  clips: readonly Pick<ClipRecord, 'number' | 'blobSha256'>[],
  dir: string,
  signal: AbortSignal,
): EncodedClips {
  const hashesOf = (numbers: readonly number[]): string[] =>
    numbers.flatMap((number) => clips.find((clip) => clip.number === number)?.blobSha256 ?? []);
  const keyOf = (numbers: readonly number[], recipe: EncodeRecipe): EncodedClipKey | undefined => {
    const hashes = hashesOf(numbers);
    const [sourceSha256, ...others] = hashes;
    if (sourceSha256 === undefined || hashes.length < numbers.length) return undefined;
    return {
      // One clip is known by its own hash, several by that of their hashes in playing order.
      sourceSha256: others.length === 0 ? sourceSha256 : sha256(hashes.join(' ')),
      recipeSha256: sha256(JSON.stringify(recipe)),
    };
  };
  return {
    async get(numbers, recipe) {
      const key = keyOf(numbers, recipe);
      const blobId = key === undefined ? undefined : await findEncodedClip(knex, key);
      if (key === undefined || blobId === undefined) return undefined;
      const path = join(dir, `encoded-${numbers.join('-')}-${key.recipeSha256}.mp4`);
      try {
        await pipeline(blobs.open(blobId), createWriteStream(path), { signal });
      } catch (error) {
        // It has gone since it was found: it is made again.
        if (isReelwrightError(error, 'NOT_FOUND')) return undefined;
        throw error;
      }
      return path;
    },
    async put(numbers, recipe, path) {
      const key = keyOf(numbers, recipe);
      if (key === undefined) return;
      const { id } = await blobs.put(createReadStream(path), { contentType: 'video/mp4', signal });
      await keepEncodedClip(knex, key, { blobId: id, sourceHashes: hashesOf(numbers) });
    },
  };
}
