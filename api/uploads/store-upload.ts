/** From a multipart request to what an asset is made of: received, checked, and only then stored. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Knex } from 'knex';
import type { z } from 'zod';
import { withWorkDir } from '../../media/ffmpeg/work-dir.js';
import type { NewAsset } from '../../storage/assets-repository.js';
import { findCampaign } from '../../storage/campaigns-repository.js';
import { findClient } from '../../storage/clients-repository.js';
import { withRoom } from '../../storage/store-room.js';
import type { ApiContext } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { campaignNotFound, clientNotFound } from '../references.js';
import { uploadFields } from '../schemas/assets.schema.js';
import { invalidField, validate } from '../validation.js';
import { inspectFile } from './inspect-file.js';
import { receiveForm } from './receive-form.js';

type UploadFields = z.output<typeof uploadFields>;
type UploadDeps = Pick<ApiDeps, 'knex' | 'blobs' | 'config' | 'probeMedia'>;

/** A form that lies on disk, complete, and whose texts are what they should be. */
export interface ReceivedUpload {
  /** What tells this upload from another: its texts and its bytes. */
  fingerprint(): Promise<unknown>;
  /** Throws for what is not what it says it is; else keeps its bytes. Slow, and harmless when repeated. */
  store(ownerId: string): Promise<StoredUpload>;
}

export type StoredUpload = Omit<NewAsset, 'ownerId'>;

/**
 * Receives an upload into a folder of its own, where it stays while `work` runs: until all of the form is known no table
 * is touched, and a slow sender holds no database connection. The folder is always removed.
 */
export async function withUpload<T>(
  ctx: ApiContext,
  deps: UploadDeps,
  work: (upload: ReceivedUpload) => Promise<T>,
): Promise<T> {
  const { knex, blobs, config, probeMedia } = deps;
  return await withWorkDir(config.uploadFolder, 'upload', async (dir) => {
    const form = await receiveForm(ctx.req, dir, {
      fieldNames: Object.keys(uploadFields.shape),
      maxFileBytes: config.maxUploadBytes,
    });
    const fields = validate(uploadFields, form.fields);
    return await work({
      fingerprint: async () => ({ fields: form.fields, sha256: await sha256Of(form.path) }),
      async store(ownerId) {
        const references = await ownersReferences(knex, ownerId, fields);
        const facts = await inspectFile(fields.type, form.path, probeMedia);
        const blob = await withRoom(knex, config.maxStoreBytes, form.sizeBytes, () =>
          blobs.put(createReadStream(form.path), { contentType: facts.contentType }),
        );
        const { name, type, tags } = fields;
        return { ...references, blobId: blob.id, name, type, tags, ...facts };
      },
    });
  });
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Throws CAMPAIGN_NOT_FOUND, CLIENT_NOT_FOUND, or VALIDATION_FAILED where the two do not belong together. */
async function ownersReferences(
  knex: Knex,
  ownerId: string,
  { clientId, campaignId }: UploadFields,
): Promise<{ clientId: string | null; campaignId: string | null }> {
  if (clientId !== undefined && (await findClient(knex, ownerId, clientId)) === undefined)
    throw clientNotFound(clientId);
  if (campaignId === undefined) return { clientId: clientId ?? null, campaignId: null };
  const campaign = await findCampaign(knex, ownerId, campaignId);
  if (campaign === undefined) throw campaignNotFound(campaignId);
  if (clientId !== undefined && clientId !== campaign.clientId) {
    throw invalidField('clientId', `the campaign's client ${campaign.clientId}`, clientId);
  }
  return { clientId: campaign.clientId, campaignId };
}
