/** From a valid order to a committed job: what it names is looked up as the owner's, its clips are planned and priced. */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { cutText } from '../../domain/cut-text.js';
import { ReelwrightError } from '../../domain/errors.js';
import { clipPriceUsd, roundUsd } from '../../domain/models.js';
import type { JobOrder } from '../../domain/orders.schema.js';
import { findAssets, listCampaignImages } from '../../storage/assets-repository.js';
import { type CampaignRecord, findCampaign } from '../../storage/campaigns-repository.js';
import { listClips, type NewClip } from '../../storage/clips-repository.js';
import { findJob, insertJob, type JobWithClips } from '../../storage/jobs-repository.js';
import { assetNotFound, campaignNotFound } from '../references.js';
import { invalidField } from '../validation.js';
import { type ClipsOrder, type ImageReference, imageReferences, planClips } from './plan-clips.js';
import { type ImagePairsOrder, planPairs } from './plan-pairs.js';

const MAX_DEFAULT_NAME = 60;

/**
 * Stores the job with its clips; its run is still to be started. Throws CAMPAIGN_NOT_FOUND, ASSET_NOT_FOUND,
 * NOT_ENOUGH_IMAGES or VALIDATION_FAILED, and has stored nothing then.
 */
export async function placeOrder(knex: Knex, ownerId: string, order: JobOrder): Promise<JobWithClips> {
  const campaign = order.campaignId === undefined ? undefined : await campaignOf(knex, ownerId, order.campaignId);
  const { clips, warnings } =
    order.kind === 'clips' ? await clipsOf(knex, ownerId, order) : await pairsOf(knex, ownerId, order);
  const prices = clips.map((clip) => clipPriceUsd({ ...clip, generateAudio: order.generateAudio }));
  const id = uuidv7();
  await insertJob(knex, {
    id,
    ownerId,
    name: order.name ?? defaultName(campaign, clips),
    order,
    estimatedCostUsd: roundUsd(prices.reduce((sum, price) => sum + price, 0)),
    warnings,
    clips,
  });
  return await readJob(knex, ownerId, id);
}

/** The owner's job with its clips; throws NOT_FOUND for a missing job and for another owner's alike. */
export async function readJob(knex: Knex, ownerId: string, id: string): Promise<JobWithClips> {
  const job = await findJob(knex, id, ownerId);
  if (job === undefined) throw new ReelwrightError('NOT_FOUND', `there is no job ${id}`);
  return { ...job, clips: await listClips(knex, [id]) };
}

async function clipsOf(
  knex: Knex,
  ownerId: string,
  order: ClipsOrder,
): Promise<{ clips: NewClip[]; warnings: string[] }> {
  const clips = planClips(order);
  await refuseWrongImages(knex, ownerId, imageReferences(order));
  return { clips, warnings: [] };
}

async function pairsOf(
  knex: Knex,
  ownerId: string,
  order: ImagePairsOrder,
): Promise<{ clips: NewClip[]; warnings: string[] }> {
  return planPairs(order, await listCampaignImages(knex, ownerId, order.campaignId));
}

async function campaignOf(knex: Knex, ownerId: string, campaignId: string): Promise<CampaignRecord> {
  const campaign = await findCampaign(knex, ownerId, campaignId);
  if (campaign === undefined) throw campaignNotFound(campaignId);
  return campaign;
}

async function refuseWrongImages(knex: Knex, ownerId: string, references: readonly ImageReference[]): Promise<void> {
  if (references.length === 0) return;
  const ids = [...new Set(references.map(({ assetId }) => assetId))];
  const types = new Map((await findAssets(knex, ownerId, ids)).map((asset) => [asset.id, asset.type]));
  for (const { path, assetId } of references) {
    const type = types.get(assetId);
    if (type === undefined) throw assetNotFound(path, assetId);
    if (type !== 'image') throw invalidField(path, 'an image', `an asset of type ${type}`);
  }
}

/** The campaign's name, else how the first prompt begins. */
function defaultName(campaign: CampaignRecord | undefined, clips: readonly NewClip[]): string {
  if (campaign !== undefined) return campaign.name;
  const name = cutText(clips[0]?.prompt ?? '', (candidate) => candidate.length <= MAX_DEFAULT_NAME);
  return name === '' ? 'Untitled' : name;
}
