/** What the figures are made of: the ledger by SQL, and what the provider says was bought. */
import { createHash } from 'node:crypto';
import { fingerprintOf } from '../../domain/purchase.js';
import type { Sql } from './sql.js';

/** One attempt, as the ledger tells it. Money is US dollars, times are milliseconds since 1970. */
export interface Purchase {
  id: string;
  jobId: string;
  subject: string;
  attempt: number;
  openedBy: string;
  model: string;
  fingerprint: string;
  state: string;
  providerId: string | null;
  /** The code of its error. */
  errorCode: string | null;
  costUsd: number | null;
  /** Whether the bytes of what it gave are in the blob store. */
  hasBlob: boolean;
  postedAt: number | null;
  /** Null where its answer came, or nothing was found. */
  adoptedAt: number | null;
}

export interface Stray {
  providerId: string;
  costUsd: number | null;
}

export interface Clip {
  jobId: string;
  subject: string;
  errorCode: string | null;
}

export interface Job {
  id: string;
  status: string;
}

/** One prediction, as the provider tells it. */
export interface Prediction {
  id: string;
  model: string;
  fingerprint: string;
  status: string;
  priceUsd: number;
  /** Whether its output is still to be had. */
  served: boolean;
}

export interface Evidence {
  purchases: Purchase[];
  strays: Stray[];
  clips: Clip[];
  jobs: Job[];
  predictions: Prediction[];
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @param replicateUrl origin of the local Replicate */
export async function collectEvidence(sql: Sql, replicateUrl: string): Promise<Evidence> {
  // The provider first: whatever it has bought by then, the ledger must have known before.
  const predictions = await askProvider(replicateUrl);
  const ms = (column: string): string => `extract(epoch FROM ${column})::double precision * 1000`;
  return {
    predictions,
    purchases: await sql.query<Purchase>(
      `SELECT p.id, p.job_id AS "jobId", p.subject, p.attempt, p.opened_by AS "openedBy", p.model, p.fingerprint,
         p.state, p.provider_id AS "providerId", p.error->>'code' AS "errorCode",
         p.cost_usd::double precision AS "costUsd", ${ms('p.posted_at')} AS "postedAt", ${ms('p.adopted_at')} AS "adoptedAt",
         EXISTS (SELECT FROM blobs b WHERE b.id = p.blob_id AND b.size = (
           SELECT sum(octet_length(n.data)) FROM blob_chunks n WHERE n.blob_id = b.id)) AS "hasBlob"
       FROM predictions p`,
    ),
    strays: await sql.query<Stray>(
      `SELECT provider_id AS "providerId", cost_usd::double precision AS "costUsd" FROM strays`,
    ),
    clips: await sql.query<Clip>(
      `SELECT job_id AS "jobId", 'clip:' || number AS subject, error->>'code' AS "errorCode" FROM clips`,
    ),
    jobs: await sql.query<Job>('SELECT id, status FROM jobs'),
  };
}

interface Bought {
  id: string;
  model: string;
  input: Record<string, unknown>;
  status: string;
  priceUsd: number;
  outputUrl: string | null;
}

async function askProvider(replicateUrl: string): Promise<Prediction[]> {
  const bought = (await (await fetch(`${replicateUrl}/_local/predictions`)).json()) as Bought[];
  const predictions: Prediction[] = [];
  for (const { id, model, input, status, priceUsd, outputUrl } of bought) {
    const served = outputUrl !== null && (await fetch(outputUrl, { method: 'HEAD' })).ok;
    predictions.push({ id, model, fingerprint: fingerprintOf(input, sha256), status, priceUsd, served });
  }
  return predictions;
}
