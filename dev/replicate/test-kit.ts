/** What the tests of the local Replicate share: servers on folders of their own, a webhook receiver, the real client. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Replicate, { type Prediction } from 'replicate';
import { onTestFinished } from 'vitest';
import type { LocalReplicateOptions } from './options.js';
import { type LocalReplicate, startLocalReplicate } from './server.js';

export const TOKEN = 'r8_any_token';
/** How long `until` waits before it gives up: the limit of a failing test, not of a passing one. */
const GIVE_UP_MS = 25_000;
const POLL_MS = 15;

/** A new folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'local-replicate-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TestServer extends LocalReplicate {
  dir: string;
  client: Replicate;
}

/** A server in this process, closed after the test; `instant: true` makes videos succeed at once with INSTANT_BYTES. */
export async function startTestServer(
  options: Partial<LocalReplicateOptions> & { instant?: boolean } = {},
): Promise<TestServer> {
  const { instant = false, ...given } = options;
  const dir = given.dir ?? temporaryFolder();
  const instantFile = join(dir, 'instant.mp4');
  if (instant) writeFileSync(instantFile, INSTANT_BYTES);
  const server = await startLocalReplicate({
    createsPerMinute: 0,
    webhookRetryBaseMs: 20,
    ...(instant ? { instantFile } : {}),
    ...given,
    dir,
  });
  onTestFinished(() => server.close());
  return { ...server, dir, client: new Replicate({ auth: TOKEN, baseUrl: server.url }) };
}

/** What instant predictions return; nothing here looks inside. */
export const INSTANT_BYTES = Buffer.from(Array.from({ length: 10_000 }, (_, n) => n % 251));

/** Waits until `probe` returns something else than undefined, null or false. Throws when it never does. */
export async function until<T>(what: string, probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > giveUpAt) throw new Error(`waited ${GIVE_UP_MS} ms in vain until ${what}`);
    await wait(POLL_MS);
  }
}

/** Waits for a status. */
export function untilStatus(client: Replicate, id: string, ...statuses: string[]): Promise<Prediction> {
  return until(`prediction ${id} is ${statuses.join(' or ')}`, async () => {
    const prediction = await client.predictions.get(id);
    return statuses.includes(prediction.status) ? prediction : undefined;
  });
}

export interface BoughtPrediction {
  id: string;
  model: string;
  input: Record<string, unknown>;
  status: string;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
  priceUsd: number;
  webhook: string | null;
  deliveries: { webhookId: string; event: string; state: string; attempts: { statusCode: number | null }[] }[];
}

/** What `/_local/predictions` lists. */
export async function bought(server: { origin: string }): Promise<BoughtPrediction[]> {
  return (await (await fetch(`${server.origin}/_local/predictions`)).json()) as BoughtPrediction[];
}

/** The one of them that has that id. */
export async function boughtOne(server: { origin: string }, id: string): Promise<BoughtPrediction> {
  const one = (await bought(server)).find((prediction) => prediction.id === id);
  if (one === undefined) throw new Error(`expected ${id} in /_local/predictions, it is not there`);
  return one;
}

/** A request with the token and a JSON body, without the client's own retries. */
export function call(
  server: { url: string },
  method: string,
  route: string,
  more: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${server.url}${route}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...more.headers },
    ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
  });
}

export function armFault(server: { origin: string }, fault: Record<string, unknown>): Promise<Response> {
  return fetch(`${server.origin}/_local/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
}

/** Listens on a free port and is gone after the test. Returns its origin. */
async function listenForTest(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that takes requests and never answers. */
export async function startSilentServer(): Promise<{ url: string }> {
  return { url: `${await listenForTest(createServer(() => undefined))}/silent` };
}

/** A server of one file, which counts how often it was asked for. */
export async function startFileServer(bytes: Buffer, status = 200): Promise<{ url: string; requests: () => number }> {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.writeHead(status, { 'content-length': bytes.length }).end(bytes);
  });
  return { url: `${await listenForTest(server)}/file.jpg?token=secret`, requests: () => requests };
}

export interface ReceivedWebhook {
  headers: IncomingHttpHeaders;
  /** As it arrived. */
  body: string;
  prediction: Prediction;
}

export interface WebhookReceiver {
  url: string;
  received: ReceivedWebhook[];
}

/** A server that keeps every POST and answers with the next of `answers`, the last one from then on. */
export async function startReceiver(
  answers: { status: number; headers?: Record<string, string> }[] = [{ status: 200 }],
): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const answer = answers[Math.min(received.length, answers.length - 1)];
      received.push({ headers: request.headers, body, prediction: JSON.parse(body) as Prediction });
      response.writeHead(answer?.status ?? 200, answer?.headers).end();
    });
  });
  return { url: `${await listenForTest(server)}/hook?job=7`, received };
}

export const MUSICGEN_VERSION = '671ac645ce5e552cc63a54a2bbff63fcf798043055d2dac5fc9e36a837eedcfb';
export const VEO_31_VERSION = 'ed5b1767b711dd15d954b162af1e890d27882680f463a85e94f02d604012b972';
