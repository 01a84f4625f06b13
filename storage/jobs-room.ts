/** What open jobs are still to put into the store, estimated from their rows. */
import type { Knex } from 'knex';
import type { ModelName, Resolution } from '../domain/models.js';
import type { Transition } from '../domain/orders.schema.js';
import type { ClipState } from '../domain/states.js';
import { type MediaOrder, orderBytes } from '../domain/storage-estimate.js';
import { OPEN_JOB_STATES } from './open-jobs.js';

/** Whose estimates count. */
export interface WhoCounts {
  /** All but this job's. */
  except?: string;
  /** All but this job's and those of jobs that came after it and have not begun yet. */
  before?: string;
}

const OVER: readonly ClipState[] = ['stored', 'skipped', 'failed', 'cancelled'];

/** The bytes that open jobs will add by `orderBytes`. */
export async function jobsRoom(knex: Knex, { except, before }: WhoCounts = {}): Promise<number> {
  const jobs = await readOrders(knex, (query) => {
    void query.whereIn('j.status', [...OPEN_JOB_STATES]);
    const itself = except ?? before;
    if (itself !== undefined) void query.whereNot('j.id', itself);
    // Ids of jobs rise with time.
    if (before !== undefined) void query.whereRaw(`(j.status NOT IN ('queued', 'planning') OR j.id < ?)`, [before]);
  });
  return jobs.reduce((sum, job) => sum + orderBytes(job), 0);
}

/** The same for one job, whatever its state. */
export async function jobRoom(knex: Knex, jobId: string): Promise<number> {
  const [job] = await readOrders(knex, (query) => void query.where('j.id', jobId));
  return job === undefined ? 0 : orderBytes(job);
}

interface Row {
  resolution: Resolution;
  transition: Transition;
  clips: { model: ModelName; seconds: number; status: ClipState; images: number }[] | null;
  music: number[] | null;
}

async function readOrders(knex: Knex, which: (query: Knex.QueryBuilder) => void): Promise<MediaOrder[]> {
  const rows: Row[] = await knex('jobs as j')
    .modify(which)
    .select({
      resolution: 'j.resolution',
      transition: knex.raw(`coalesce(j.order_body->>'transition', 'cut')`) as Knex.Raw<string>,
      clips: knex.raw(
        `(SELECT json_agg(json_build_object('model', c.model, 'seconds', c.duration_seconds, 'status', c.status,
             'images', (c.first_image_url IS NOT NULL AND c.first_asset_id IS NULL)::integer
               + (c.last_image_url IS NOT NULL AND c.last_asset_id IS NULL)::integer))
           FROM clips c WHERE c.job_id = j.id AND c.status NOT IN ('skipped', 'failed', 'cancelled'))`,
      ) as Knex.Raw<string>,
      // A piece contains those before it.
      music: knex.raw(
        `(SELECT json_agg(m.seconds) FROM (
             SELECT p.status, sum(p.duration_seconds) OVER (ORDER BY p.number)::integer AS seconds
             FROM music_pieces p WHERE p.job_id = j.id) m WHERE m.status <> ALL (?))`,
        [[...OVER]],
      ) as Knex.Raw<string>,
    });
  return rows.map(({ resolution, transition, clips, music }) => ({
    resolution,
    transition,
    clips: (clips ?? []).map(({ model, seconds, status }) => ({
      model,
      durationSeconds: seconds,
      stored: status === 'stored',
    })),
    music: music ?? [],
    images: (clips ?? []).reduce((sum, { images }) => sum + images, 0),
  }));
}
