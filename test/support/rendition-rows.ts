/** Renditions as the api leaves them, for tests of what follows. */
import { createReadStream } from 'node:fs';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { BlobStore } from '../../storage/blob-store.js';
import {
  findRendition,
  insertRendition,
  type NewRendition,
  type RenditionRecord,
} from '../../storage/renditions-repository.js';

/** Stores a file as the video of a completed job of one clip, and gives the blob's id. */
export async function giveFinishedVideo(
  knex: Knex,
  blobs: BlobStore,
  jobId: string,
  { file, seconds }: { file: string; seconds: number },
): Promise<string> {
  const { id } = await blobs.put(createReadStream(file), { contentType: 'video/mp4' });
  await knex('clips').where({ job_id: jobId }).update({ status: 'stored' });
  await knex('jobs')
    .where({ id: jobId })
    .update({ status: 'completed', video_blob_id: id, duration_seconds: seconds, completed_at: knex.fn.now() });
  return id;
}

/** A rendition that nobody has started. */
export async function placeRendition(
  knex: Knex,
  { ownerId, sources, ...given }: Pick<NewRendition, 'ownerId' | 'sources'> & Partial<NewRendition>,
): Promise<string> {
  const id = uuidv7();
  const kind = given.kind ?? 'export';
  await insertRendition(knex, {
    id,
    ownerId,
    kind,
    sources,
    name: 'a video',
    format: 'mp4',
    jobId: kind === 'export' ? (sources[0]?.jobId ?? null) : null,
    quality: kind === 'export' ? 'low' : null,
    transition: kind === 'export' ? null : 'cut',
    ...given,
  });
  return id;
}

export async function readRenditionRow(knex: Knex, id: string): Promise<RenditionRecord> {
  const found = await findRendition(knex, id);
  if (found === undefined) throw new Error(`expected a rendition ${id}`);
  return found;
}
