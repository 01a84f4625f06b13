/** From a valid order to a committed job: what it names is looked up as the owner's, its clips are planned and priced. */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { cutText } from '../../domain/cut-text.js';
import { clipPriceUsd, DEFAULT_RESOLUTION, roundUsd } from '../../domain/models.js';
import { type MusicPiece, musicModel, planMusic } from '../../domain/music.js';
import { type JobOrder, resolutionOf } from '../../domain/orders.schema.js';
import { orderBytes } from '../../domain/storage-estimate.js';
import { listCampaignImages } from '../../storage/assets-repository.js';
import { type CampaignRecord, findCampaign } from '../../storage/campaigns-repository.js';
import type { NewClip } from '../../storage/clips-repository.js';
import { insertJob } from '../../storage/insert-job.js';
import { type JobWithClips, readOwnJob, withSubJobs } from '../../storage/jobs-repository.js';
import { type ClipsOrder, planClips, silentClipsWarning } from '../../storage/plan-clips.js';
import { requireRoom } from '../../storage/store-room.js';
import type { ApiDeps } from '../deps.js';
import { campaignNotFound } from '../references.js';
import { budgetWarnings } from './budget-warnings.js';
import { checkAddresses, checkAssets, orderedImages } from './check-images.js';
import { type ImagePairsOrder, planPairs } from './plan-pairs.js';

const MAX_DEFAULT_NAME = 60;

/**
 * What can be said of an order without the database: its clips can be made, and its addresses are in public reach.
 * Throws VALIDATION_FAILED or URL_REFUSED. Takes as long as names take to be resolved.
 */
export async function checkOrder(deps: Pick<ApiDeps, 'addressGuard' | 'config'>, order: JobOrder): Promise<void> {
  if (order.kind !== 'clips') return;
  planClips(order);
  await checkAddresses(deps, orderedImages(order));
}

/** What an order comes to. Money is US dollars. */
export interface PlannedOrder {
  name: string;
  clips: (NewClip & { estimatedCostUsd: number })[];
  /** Empty where none was ordered. */
  music: (MusicPiece & { estimatedCostUsd: number })[];
  estimatedCostUsd: number;
  /** What it is taken to need in the store. */
  estimatedBytes: number;
  warnings: string[];
}

/**
 * Plans the clips and the music of an order and prices them, after `checkOrder`; stores nothing. Throws CAMPAIGN_NOT_FOUND,
 * ASSET_NOT_FOUND, NOT_ENOUGH_IMAGES or VALIDATION_FAILED.
 */
export async function planOrder(knex: Knex, ownerId: string, order: JobOrder): Promise<PlannedOrder> {
  const campaign = order.campaignId === undefined ? undefined : await campaignOf(knex, ownerId, order.campaignId);
  const { clips, music, warnings } = await partsOf(knex, ownerId, order);
  const generateAudio = order.kind !== 'music' && order.generateAudio;
  const priced = clips.map((clip) => ({ ...clip, estimatedCostUsd: clipPriceUsd({ ...clip, generateAudio }) }));
  const pricedMusic = music.map((piece) => ({ ...piece, estimatedCostUsd: musicModel(piece.model).priceUsd }));
  const prices = (priced.length > 0 ? priced : pricedMusic).map((one) => one.estimatedCostUsd);
  const all = [...priced, ...pricedMusic];
  const estimatedCostUsd = roundUsd(all.reduce((sum, one) => sum + one.estimatedCostUsd, 0));
  return {
    name: order.name ?? defaultName(campaign, clips[0] ?? music[0]),
    clips: priced,
    music: pricedMusic,
    estimatedCostUsd,
    estimatedBytes: plannedBytes(order, { clips, music }),
    warnings: [...warnings, ...budgetWarnings(order.budgetUsd, estimatedCostUsd, Math.min(...prices))],
  };
}

interface Parts {
  clips: NewClip[];
  music: MusicPiece[];
  warnings: string[];
}

async function partsOf(knex: Knex, ownerId: string, order: JobOrder): Promise<Parts> {
  if (order.kind === 'music') {
    const scenes = order.scenes.map(({ prompt: told, durationSeconds }) => ({
      told,
      durationSeconds,
      sceneName: null,
    }));
    return { clips: [], music: planMusic(scenes), warnings: [] };
  }
  const planned = order.kind === 'clips' ? await clipsOf(knex, ownerId, order) : await pairsOf(knex, ownerId, order);
  return { ...planned, music: order.music?.enabled === true ? planMusic(planned.clips, order.music.prompt) : [] };
}

function plannedBytes(order: JobOrder, { clips, music }: Pick<Parts, 'clips' | 'music'>): number {
  const video = order.kind === 'music' ? undefined : order;
  return orderBytes({
    resolution: video === undefined ? DEFAULT_RESOLUTION : resolutionOf(video),
    transition: video?.transition ?? 'cut',
    clips: clips.map(({ model, durationSeconds }) => ({ model, durationSeconds, stored: false })),
    music: music.map((_, index) => music.slice(0, index + 1).reduce((sum, piece) => sum + piece.durationSeconds, 0)),
    images: clips.reduce(
      (sum, clip) => sum + Number(clip.firstImageUrl != null) + Number(clip.lastImageUrl != null),
      0,
    ),
  });
}

/**
 * Stores the job with its clips, inside the caller's transaction; its run is still to be started. Throws as `planOrder`,
 * and STORAGE_FULL where what it makes would not fit below `maxStoreBytes`.
 */
export async function placeOrder(
  trx: Knex,
  ownerId: string,
  order: JobOrder,
  { maxStoreBytes }: Pick<ApiDeps['config'], 'maxStoreBytes'> = {},
): Promise<JobWithClips> {
  const id = uuidv7();
  const plan = await planOrder(trx, ownerId, order);
  await insertJob(trx, { id, ownerId, order, ...plan });
  await requireRoom(trx, maxStoreBytes, plan.estimatedBytes, { except: id });
  return await readJob(trx, ownerId, id);
}

/** The owner's job with its clips; throws NOT_FOUND for a missing job and for another owner's alike. */
export async function readJob(knex: Knex, ownerId: string, id: string): Promise<JobWithClips> {
  return await withSubJobs(knex, await readOwnJob(knex, id, ownerId));
}

async function clipsOf(
  knex: Knex,
  ownerId: string,
  order: ClipsOrder,
): Promise<{ clips: NewClip[]; warnings: string[] }> {
  const clips = planClips(order);
  await checkAssets(knex, ownerId, orderedImages(order));
  return { clips, warnings: silentClipsWarning(order) };
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

/** The campaign's name, else how the first prompt begins. */
function defaultName(campaign: CampaignRecord | undefined, first: { prompt: string } | undefined): string {
  if (campaign !== undefined) return campaign.name;
  const name = cutText(first?.prompt ?? '', (candidate) => candidate.length <= MAX_DEFAULT_NAME);
  return name === '' ? 'Untitled' : name;
}
