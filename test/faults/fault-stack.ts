/** A running stack under the fault harness: its customers, its faults and gates, and what was bought in the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PredictionState } from '../../domain/ledger.js';
import { openDatabase } from '../../storage/database.js';
import { createApiKey } from '../../storage/owners-repository.js';
import { type RunningStack, startRunningStack } from '../support/running-stack.js';
import { type Customer, createCustomer, type OrderOptions } from './customer.js';
import { collectEvidence, type Evidence } from './evidence.js';
import { armGate, type Gate, installGates, type Transition } from './gates.js';
import { openSql, type Sql } from './sql.js';

/** Short, so that what is waited for comes within seconds. The window of 20 s for a POST is the product's own. */
export const SHORT_TIMES = {
  POLL_FIRST_MS: '1000',
  POLL_MAX_MS: '4000',
  ABSENCE_AFTER_MS: '1000',
  PURCHASING_PROBE_MS: '2000',
};

export type Fault = Record<string, unknown>;

export interface FaultStack {
  stack: RunningStack;
  sql: Sql;
  customer: Customer;
  /** Another owner, whose jobs are its own. */
  addCustomer(name: string): Promise<Customer>;
  /** Arms the faults for the prompts of this order, then orders. */
  order(prompt: string, faults?: readonly Fault[], options?: OrderOptions): Promise<string>;
  arm(transition: Transition, prompt: string): Promise<Gate>;
  /** Waits until the latest attempt of the job's first clip is in that state. */
  untilState(jobId: string, state: PredictionState, limitMs: number): Promise<void>;
  /** Waits until the job's first clip has that status. */
  untilClip(jobId: string, status: string, limitMs: number): Promise<void>;
  /** The job, its first clip, its attempts and what the database waits for, as JSON: for the message of a failure. */
  whereabouts(jobId: string): Promise<string>;
  /** Faults that are armed and have not struck as often as they were to. */
  faultsLeft(): Promise<{ fault: string; match: { promptIncludes?: string } }[]>;
  clearFaults(): Promise<void>;
  evidence(): Promise<Evidence>;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 100;
const LATEST = `SELECT state AS seen FROM predictions WHERE job_id = $1 AND subject = 'clip:1' ORDER BY attempt DESC LIMIT 1`;
const CLIP = 'SELECT status AS seen FROM clips WHERE job_id = $1 AND number = 1';

const WHEREABOUTS = `
  SELECT j.status, c.status AS clip,
    (SELECT json_agg(json_build_object('attempt', p.attempt, 'state', p.state, 'error', p.error->>'code') ORDER BY p.attempt)
      FROM predictions p WHERE p.job_id = j.id AND p.subject = 'clip:1') AS attempts,
    (SELECT json_agg(json_build_object('who', a.application_name, 'waits', a.wait_event, 'query', left(a.query, 80)))
      FROM pg_stat_activity a WHERE a.wait_event_type = 'Lock') AS blocked
  FROM jobs j LEFT JOIN clips c ON c.job_id = j.id AND c.number = 1 WHERE j.id = $1`;

export async function startFaultStack(env: NodeJS.ProcessEnv = {}): Promise<FaultStack> {
  const stack = await startRunningStack({ ...SHORT_TIMES, ...env });
  const { apiUrl, apiKey, databaseUrl, replicateUrl = '' } = stack.state();
  const sql = openSql(databaseUrl);
  await installGates(sql);
  const customer = await createCustomer(apiUrl, apiKey);
  return {
    stack,
    sql,
    customer,
    addCustomer: async (name) => await createCustomer(apiUrl, await newKey(databaseUrl, name)),
    async order(prompt, faults = [], options = {}) {
      for (const fault of faults) await stack.arm({ match: { promptIncludes: prompt }, ...fault });
      return await customer.order(prompt, options);
    },
    arm: (transition, prompt) => armGate(sql, transition, prompt),
    untilState: (jobId, state, limitMs) => untilSeen(sql, LATEST, jobId, state, limitMs),
    untilClip: (jobId, status, limitMs) => untilSeen(sql, CLIP, jobId, status, limitMs),
    async whereabouts(jobId) {
      return JSON.stringify((await sql.query(WHEREABOUTS, [jobId]))[0]);
    },
    async faultsLeft() {
      return (await (await fetch(`${replicateUrl}/_local/faults`)).json()) as [];
    },
    async clearFaults() {
      const { ok, status } = await fetch(`${replicateUrl}/_local/faults`, { method: 'DELETE' });
      if (!ok) throw new Error(`the faults were not cleared: ${status}`);
    },
    evidence: () => collectEvidence(sql, replicateUrl),
    async stop() {
      await sql.close();
      await stack.stop();
    },
  };
}

async function newKey(databaseUrl: string, owner: string): Promise<string> {
  const database = openDatabase(databaseUrl, { applicationName: 'faults', poolMax: 1 });
  try {
    return (await createApiKey(database.knex, { owner })).key;
  } finally {
    await database.close();
  }
}

async function untilSeen(sql: Sql, ask: string, jobId: string, wanted: string, limitMs: number): Promise<void> {
  let seen: string | undefined;
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(LOOK_EVERY_MS)) {
    seen = (await sql.query<{ seen: string }>(ask, [jobId]))[0]?.seen;
    if (seen === wanted) return;
  }
  throw new Error(`expected job ${jobId} to come to ${wanted} within ${limitMs} ms, it is at ${seen}`);
}
