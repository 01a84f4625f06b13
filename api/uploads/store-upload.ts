/** From a multipart request to an asset: received, checked, and only then stored. */
import { createReadStream } from 'node:fs';
import type { Knex } from 'knex';
import type { z } from 'zod';
import { withWorkDir } from '../../media/work-dir.js';
import { type AssetRecord, insertAsset } from '../../storage/assets-repository.js';
import { findCampaign } from '../../storage/campaigns-repository.js';
import { findClient } from '../../storage/clients-repository.js';
import type { ApiContext } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { campaignNotFound, clientNotFound } from '../references.js';
import { uploadFields } from '../schemas/assets.schema.js';
import { invalidField, validate } from '../validation.js';
import { inspectFile } from './inspect-file.js';
import { receiveForm } from './receive-form.js';

type UploadFields = z.output<typeof uploadFields>;
type UploadDeps = Pick<ApiDeps, 'knex' | 'blobs' | 'config' | 'probeMedia'>;

/**
 * The file waits in a folder of its own until all of the form is known and the bytes are what they should be: a refused
 * upload has touched no table, and a slow sender holds no database connection. The folder is always removed.
 */
export async function storeUpload(ctx: ApiContext, deps: UploadDeps, ownerId: string): Promise<AssetRecord> {
  const { knex, blobs, config, probeMedia } = deps;
  return await withWorkDir(config.uploadFolder, 'upload', async (dir) => {
    const form = await receiveForm(ctx.req, dir, {
      fieldNames: Object.keys(uploadFields.shape),
      maxFileBytes: config.maxUploadBytes,
    });
    const fields = validate(uploadFields, form.fields);
    const { clientId, campaignId } = await ownersReferences(knex, ownerId, fields);
    const facts = await inspectFile(fields.type, form.path, probeMedia);
    const blob = await blobs.put(createReadStream(form.path), { contentType: facts.contentType });
    const { name, type, tags } = fields;
    return await insertAsset(knex, { ownerId, clientId, campaignId, blobId: blob.id, name, type, tags, ...facts });
  });
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
