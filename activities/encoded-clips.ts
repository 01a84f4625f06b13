import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { EncodeRecipe } from '../media/encode-clip.js';
import type { EncodedClips } from '../media/run-cut.js';
import type { ClipRecord } from '../storage/clips-repository.js';
import { type EncodedClipKey, findEncodedClip, keepEncodedClip } from '../storage/encoded-clips.js';
import type { ActivityDeps } from './deps.js';
import { sha256 } from './intent.js';

/**
 * Keeps encoded clips in the blob store by their content, so that a second cut encodes only what has changed. Files are
 * written into `dir`.
 */
export function encodedClipsOf(
  { knex, blobs }: Pick<ActivityDeps, 'knex' | 'blobs'>,
  clips: readonly ClipRecord[],
  dir: string,
  signal: AbortSignal,
): EncodedClips {
  const keyOf = (number: number, recipe: EncodeRecipe): EncodedClipKey | undefined => {
    const sourceSha256 = clips.find((clip) => clip.number === number)?.blobSha256 ?? undefined;
    return sourceSha256 === undefined ? undefined : { sourceSha256, recipeSha256: sha256(JSON.stringify(recipe)) };
  };
  return {
    async get(number, recipe) {
      const key = keyOf(number, recipe);
      const blobId = key === undefined ? undefined : await findEncodedClip(knex, key);
      if (blobId === undefined) return undefined;
      const path = join(dir, `encoded-${number}.mp4`);
      await pipeline(blobs.open(blobId), createWriteStream(path), { signal });
      return path;
    },
    async put(number, recipe, path) {
      const key = keyOf(number, recipe);
      if (key === undefined) return;
      const { id } = await blobs.put(createReadStream(path), { contentType: 'video/mp4', signal });
      await keepEncodedClip(knex, key, id);
    },
  };
}
