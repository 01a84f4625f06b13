/** The demo as a client of the HTTP API: it knows what the API's documentation says and nothing else. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DemoImage } from './demo-images.js';

export interface DemoJob {
  id: string;
  status: string;
  progress: { stage: string; percent: number; message: string };
  clips: { number: number; status: string; error: { code: string; message: string } | null }[];
  warnings: unknown[];
  error: { code: string; message: string } | null;
  /** A path on the api. */
  videoUrl: string | null;
  posterUrl: string | null;
  estimatedCostUsd: number | null;
  actualCostUsd: number | null;
  workflow: { id: string; url: string | null };
}

export class DemoClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #signal: AbortSignal;

  /** @param signal ends every request that is under way */
  constructor(apiUrl: string, apiKey: string, signal: AbortSignal) {
    this.#url = apiUrl;
    this.#headers = { 'X-API-Key': apiKey };
    this.#signal = signal;
  }

  async createClient(name: string): Promise<string> {
    return (await this.#json<{ id: string }>('POST', '/api/v3/clients', { name })).id;
  }

  async createCampaign(clientId: string, name: string, goal: string): Promise<string> {
    return (await this.#json<{ id: string }>('POST', '/api/v3/campaigns', { clientId, name, goal })).id;
  }

  async uploadImage(campaignId: string, image: DemoImage): Promise<string> {
    const form = new FormData();
    form.set('name', image.name);
    form.set('type', 'image');
    form.set('campaignId', campaignId);
    form.set('tags', JSON.stringify(image.tags));
    form.set('file', new Blob([new Uint8Array(image.data)], { type: 'image/jpeg' }), image.fileName);
    return (await this.#request<{ id: string }>('POST', '/api/v3/assets', { body: form })).id;
  }

  orderVideo(order: Record<string, unknown>): Promise<DemoJob> {
    return this.#json('POST', '/api/v3/jobs', order);
  }

  job(id: string): Promise<DemoJob> {
    return this.#request('GET', `/api/v3/jobs/${id}`, {});
  }

  /** Writes the bytes behind a path of the api into a file, which appears there whole. */
  async download(path: string, file: string): Promise<void> {
    const response = await fetch(this.#url + path, { headers: this.#headers, signal: this.#signal });
    if (!response.ok || response.body === null) throw new Error(`GET ${path} answered ${response.status}`);
    await mkdir(dirname(file), { recursive: true });
    const temporary = `${file}.part`;
    await pipeline(Readable.fromWeb(response.body), createWriteStream(temporary));
    await rename(temporary, file);
  }

  #json<Data>(method: string, path: string, body: unknown): Promise<Data> {
    return this.#request(method, path, {
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' },
    });
  }

  async #request<Data>(
    method: string,
    path: string,
    { body, headers }: { body?: string | FormData; headers?: Record<string, string> },
  ): Promise<Data> {
    const init = { method, headers: { ...this.#headers, ...headers }, signal: this.#signal };
    const response = await fetch(this.#url + path, body === undefined ? init : { ...init, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
    return (JSON.parse(text) as { data: Data }).data;
  }
}
