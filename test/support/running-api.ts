/** The api over real HTTP and a real database, with a Temporal that only takes notes. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import type { VideoJobStart } from '../../activities/start-video-job.js';
import { createApp } from '../../api/app.js';
import type { ApiConfig, ApiDeps } from '../../api/deps.js';
import type { JobControl } from '../../api/job-control.js';
import { serve } from '../../api/serve.js';
import { fixedWebhookSecrets } from '../../api/webhooks/webhook-secrets.js';
import type { ClipDecided, ClipDecision } from '../../domain/contract.js';
import { probe } from '../../media/probe/probe.js';
import { tools } from '../../media/test-support/media-files.js';
import { createAssetLinks } from '../../storage/asset-links.js';
import { type Database, openDatabase } from '../../storage/database.js';
import { createApiKey } from '../../storage/owners-repository.js';
import { createServingBlobStore } from '../../storage/serving/serving-blob-store.js';
import { createSignedTokens } from '../../storage/signed-tokens.js';
import { createVideoLinkTokens } from '../../storage/video-link-tokens.js';
import { receiveWebhook } from '../../storage/webhook-inbox.js';
import { createAddressGuard } from '../../web/address-guard.js';
import { contractCheck } from './api-contract.js';
import { createTestDatabase } from './postgres.js';

export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** Signs the tokens of the api under test. */
const SECRET = 'a secret of the tests, 32 characters or more';

export interface ApiAnswer<Data> {
  status: number;
  headers: Headers;
  data: Data;
  error: { code: string; message: string; details?: { path?: string; expected?: string; seen?: string } } | null;
  meta: { timestamp: string; requestId: string; page?: number; limit?: number; total?: number };
}

/** An owner with a key. */
export interface Caller {
  ownerId: string;
  key: string;
  get<Data = Record<string, unknown>>(path: string, headers?: Record<string, string>): Promise<ApiAnswer<Data>>;
  post<Data = Record<string, unknown>>(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer<Data>>;
  patch<Data = Record<string, unknown>>(path: string, body: unknown): Promise<ApiAnswer<Data>>;
  delete<Data = Record<string, unknown>>(path: string): Promise<ApiAnswer<Data>>;
  /** Without looking at the answer: for bytes. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export interface RunningApi {
  url: string;
  database: Database;
  deps: ApiDeps;
  /** The jobs handed to Temporal. */
  starts: VideoJobStart[];
  /** The exports and combinations handed to Temporal. */
  renditionStarts: string[];
  /** The batches handed to Temporal. */
  batchStarts: string[];
  signals: { workflowId: string; predictionId: string }[];
  /** Workflows that were asked to end. */
  cancels: string[];
  /** Decisions that were handed on, each once. */
  decisions: { workflowId: string; updateId: string; decision: ClipDecision }[];
  /** The log's lines so far, as text. */
  log(): string;
  caller(owner: string, options?: { admin?: boolean }): Promise<Caller>;
  /** A JSON request with these headers and no key of its own; the answer is checked against the contract. */
  call<Data = Record<string, unknown>>(path: string, init?: RequestInit): Promise<ApiAnswer<Data>>;
  countRows(table: string): Promise<number>;
  /** Waits for what goes on after an answer. */
  idle(): Promise<void>;
  /** Names of what lies in the folder for uploads. */
  uploadsLeft(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface RunningApiOptions {
  config?: Partial<ApiConfig>;
  deps?: (deps: ApiDeps & { database: Database }) => Partial<ApiDeps>;
}

export async function startApi(options: RunningApiOptions = {}): Promise<RunningApi> {
  const testDatabase = await createTestDatabase();
  const database = openDatabase(testDatabase.url, { applicationName: 'api-test', poolMax: 4, streamPoolMax: 4 });
  const uploadFolder = await mkdtemp(join(tmpdir(), 'reelwright-api-test-'));
  const { knex } = database;
  const lines: string[] = [];
  const starts: VideoJobStart[] = [];
  const renditionStarts: string[] = [];
  const batchStarts: string[] = [];
  const signals: RunningApi['signals'] = [];
  const cancels: string[] = [];
  const decisions: RunningApi['decisions'] = [];
  const standard: ApiDeps = {
    config: {
      maxUploadBytes: 2 * 1024 * 1024,
      uploadFolder,
      temporalNamespace: 'default',
      temporalUiUrl: 'http://127.0.0.1:8233',
      // What a test changes holds at once.
      answersRememberedForMs: 0,
      ...options.config,
    },
    knex,
    blobs: createServingBlobStore(database.pool),
    assetLinks: createAssetLinks(SECRET),
    videoLinks: createVideoLinkTokens(SECRET),
    sessionTokens: createSignedTokens(SECRET, 'session'),
    addressGuard: createAddressGuard(),
    jobStarter: { start: async (job) => void starts.push(job) },
    jobControl: notingJobControl(cancels, decisions),
    renditionStarter: { start: async ({ id }) => void renditionStarts.push(id) },
    batchStarter: { start: async ({ id }) => void batchStarts.push(id) },
    webhooks: {
      secrets: fixedWebhookSecrets([WEBHOOK_SECRET]),
      receive: (webhook) => receiveWebhook(knex, webhook),
      async signal(workflowId, { predictionId }) {
        signals.push({ workflowId, predictionId });
        return 'told';
      },
    },
    probeMedia: (path) => probe(tools, path),
    healthChecks: [],
    logger: pino({ level: 'debug' }, collectInto(lines)),
  };
  const deps = { ...standard, ...options.deps?.({ ...standard, database }) };
  const api = createApp(deps);
  const server = await serve(api, { host: '127.0.0.1', port: 0 });
  const check = contractCheck(api.routes);

  async function call<Data>(path: string, init: RequestInit = {}): Promise<ApiAnswer<Data>> {
    const response = await fetch(server.url + path, init);
    const body = (await response.json()) as Pick<ApiAnswer<Data>, 'data' | 'error' | 'meta'>;
    const problem = check(init.method ?? 'GET', path.split('?')[0] ?? '', response.status, body);
    if (problem !== undefined)
      throw new Error(`the answer to ${path} breaks the contract: ${problem} in ${JSON.stringify(body)}`);
    return { status: response.status, headers: response.headers, ...body };
  }

  return {
    url: server.url,
    database,
    deps,
    starts,
    renditionStarts,
    batchStarts,
    signals,
    cancels,
    decisions,
    log: () => lines.join(''),
    call,
    async caller(owner, { admin = false } = {}) {
      const { key, ownerId } = await createApiKey(knex, { owner, admin });
      const json = { 'x-api-key': key, 'content-type': 'application/json' };
      return {
        key,
        ownerId,
        get: (path, headers) => call(path, { headers: { 'x-api-key': key, ...headers } }),
        post: (path, body, headers) =>
          call(path, {
            method: 'POST',
            headers: {
              'x-api-key': key,
              ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
              ...headers,
            },
            body: body instanceof FormData || typeof body === 'string' ? body : JSON.stringify(body),
          }),
        patch: (path, body) => call(path, { method: 'PATCH', headers: json, body: JSON.stringify(body) }),
        delete: (path) => call(path, { method: 'DELETE', headers: { 'x-api-key': key } }),
        fetch(path, init) {
          const headers = new Headers(init?.headers);
          headers.set('x-api-key', key);
          return fetch(server.url + path, { ...init, headers });
        },
      };
    },
    async countRows(table) {
      const [row] = await knex(table).count({ total: '*' });
      return Number(row?.['total']);
    },
    idle: () => api.idle(),
    uploadsLeft: () => readdir(uploadFolder),
    async stop() {
      await server.stop(5_000);
      await database.close();
      await testDatabase.drop();
      await rm(uploadFolder, { recursive: true, force: true });
    },
  };
}

/** Takes every decision, and as Temporal does knows one that comes again under its id. */
function notingJobControl(cancels: string[], decisions: RunningApi['decisions']): JobControl {
  const noted = (workflowId: string, updateId: string): ClipDecided | undefined => {
    const known = decisions.find((one) => one.workflowId === workflowId && one.updateId === updateId);
    return known && { decision: known.decision.decision };
  };
  return {
    async cancel(workflowId) {
      cancels.push(workflowId);
      return 'asked';
    },
    async decide(workflowId, updateId, decision) {
      const before = noted(workflowId, updateId);
      if (before === undefined) decisions.push({ workflowId, updateId, decision });
      return before ?? { decision: decision.decision };
    },
    decided: async (workflowId, updateId) => noted(workflowId, updateId),
  };
}

/** The headers of a webhook with this body, signed as the provider signs. */
export function signedHeaders(
  body: string,
  options: { id?: string; at?: Date; secret?: string } = {},
): Record<string, string> {
  const { id = 'msg_1', at = new Date(), secret = WEBHOOK_SECRET } = options;
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

/** A form for `POST /assets`; a Buffer becomes the file. */
export function form(fields: Record<string, string | Buffer>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, new Blob([new Uint8Array(value)]), 'a file.bin');
  }
  return data;
}

function collectInto(lines: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
}
