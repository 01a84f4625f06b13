/** Activities on a real database of the test file's own, run one by one as a worker would. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Info } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { v7 as uuidv7 } from 'uuid';
import type { ActivityDeps, ActivitySettings } from '../../activities/deps.js';
import { createLogger } from '../../config/logger.js';
import { planMusic } from '../../domain/music.js';
import { clipsOrder, musicOrder } from '../../domain/orders.schema.js';
import type { VideoProvider } from '../../replicate/video-provider.js';
import { createAssetLinks } from '../../storage/asset-links.js';
import { type Database, openDatabase } from '../../storage/database.js';
import { insertJob } from '../../storage/insert-job.js';
import { createPostgresBlobStore } from '../../storage/postgres-blob-store.js';
import { createAddressGuard } from '../../web/address-guard.js';
import { createTestDatabase } from './postgres.js';

export interface ActivityRig {
  database: Database;
  ownerId: string;
  deps(provider: VideoProvider, settings?: Partial<ActivitySettings>): ActivityDeps;
  /** Stores a job with this many clips of 4 s, and the music that it asks for, and gives its id. */
  order(clips: number, body?: Record<string, unknown>, scenes?: readonly string[]): Promise<string>;
  /** Stores a job of music alone and gives its id. */
  orderMusic(scenes: readonly { prompt: string; durationSeconds: number }[]): Promise<string>;
  close(): Promise<void>;
}

export async function createActivityRig(): Promise<ActivityRig> {
  const { url, drop } = await createTestDatabase();
  const database = openDatabase(url);
  const workRoot = await mkdtemp(join(tmpdir(), 'reelwright-test-work-'));
  const ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: 'a test' });
  return {
    database,
    ownerId,
    deps: (provider, settings = {}) => ({
      knex: database.knex,
      blobs: createPostgresBlobStore(database.pool),
      provider,
      assetLinks: createAssetLinks('a secret key that is only used in tests'),
      tools: { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe' },
      workRoot,
      publicUrl: 'http://127.0.0.1:9',
      links: { workflows: 'http://127.0.0.1:8/namespaces/default/workflows', api: 'http://127.0.0.1:9/api/v3' },
      settings: {
        polling: { firstMs: 10, maxMs: 10, factor: 1 },
        parallelClips: 10,
        absenceAfterMs: 120_000,
        adoptionPauseMs: 10,
        patienceMs: 60_000,
        openPurchasesPerOwner: 100,
        limitPauseMs: 10,
        pausedPauseMs: 10,
        probeAfterMs: 60_000,
        probeMaxMs: 600_000,
        selfTest: null,
        store: { maxBytes: undefined, retentionDays: undefined, orphanGraceMs: 0 },
        ...settings,
      },
      addressGuard: createAddressGuard(),
      startRun: async () => undefined,
      startRendition: async () => undefined,
      startBatch: async () => undefined,
      logger: createLogger('test', 'silent'),
    }),
    async order(clips, body = {}, scenes = []) {
      const id = uuidv7();
      const scored = ({ durationSeconds = 4 }: { durationSeconds?: number | undefined }, index: number) => ({
        durationSeconds,
        sceneName: scenes[index] ?? null,
      });
      const prompts = Array.from({ length: clips }, (_, index) => ({
        prompt: `clip ${index + 1}`,
        durationSeconds: 4,
      }));
      const order = clipsOrder.parse({ kind: 'clips', clips: prompts, ...body });
      await insertJob(database.knex, {
        id,
        ownerId,
        name: 'a job',
        order,
        estimatedCostUsd: clips * 0.4,
        warnings: [],
        music: order.music?.enabled === true ? planMusic(order.clips.map(scored), order.music.prompt) : [],
        clips: order.clips.map((clip, index) => ({
          number: index + 1,
          sceneName: scenes[index] ?? null,
          model: clip.model ?? order.model,
          prompt: clip.prompt,
          durationSeconds: clip.durationSeconds ?? 4,
          firstAssetId: null,
          lastAssetId: null,
        })),
      });
      return id;
    },
    async orderMusic(scenes) {
      const id = uuidv7();
      const order = musicOrder.parse({ kind: 'music', scenes });
      const told = order.scenes.map(({ prompt, durationSeconds }) => ({
        told: prompt,
        durationSeconds,
        sceneName: null,
      }));
      const job = { id, ownerId, name: 'some music', order, estimatedCostUsd: 0.07, warnings: [], clips: [] };
      await insertJob(database.knex, { ...job, music: planMusic(told) });
      return id;
    },
    async close() {
      await database.close();
      await drop();
      await rm(workRoot, { recursive: true, force: true });
    },
  };
}

/** Runs one attempt of an activity. */
export async function attempt<In, Out>(
  activity: (input: In) => Promise<Out>,
  input: In,
  info: Partial<Info> = {},
): Promise<Out> {
  return await new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') }).run(
    activity as (input: In) => Promise<Out>,
    input,
  );
}
