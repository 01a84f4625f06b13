import { z } from 'zod';
import { ReelwrightError } from '../domain/errors.js';
import { errorOfAnswer, errorOfFailure, errorOfList, errorOfLook, neverSent, provesNotCreated } from './classify.js';
import { createExchanger, type ReplicateOptions, type RequestOptions } from './exchange.js';
import { openOutput } from './output.js';
import { readPrediction } from './prediction-schema.js';
import type { VideoProvider } from './video-provider.js';

const pageSchema = z.object({ results: z.array(z.unknown()), next: z.string().nullish() });
const secretSchema = z.object({ key: z.string().startsWith('whsec_') });
const fileSchema = z.object({
  id: z.string(),
  urls: z.object({ get: z.url() }),
  expires_at: z.iso.datetime({ offset: true }).nullish(),
});

/** The port over Replicate's HTTP API (openapi.yaml in tryAGI/Replicate). */
export function createReplicateProvider(options: ReplicateOptions): VideoProvider {
  const exchange = createExchanger(options);
  const origin = new URL(options.baseUrl).origin;

  async function call<T>(
    what: string,
    schema: z.ZodType<T>,
    route: string | URL,
    request?: RequestOptions,
    errorOf: typeof errorOfAnswer = errorOfAnswer,
  ): Promise<T> {
    const outcome = await exchange(route, request);
    // An abort is the caller's decision, not the provider's failure.
    request?.signal?.throwIfAborted();
    if (!outcome.answered) throw errorOfFailure(what, outcome.failure);
    const { status, headers, body } = outcome;
    if (status < 200 || status > 299) throw errorOf(what, status, headers, body);
    return parseAnswer(what, schema, body);
  }

  return {
    async create({ model, version, input, webhookUrl, cancelAfterSeconds, signal }) {
      const what = `create a prediction of ${model}`;
      const outcome = await exchange(version === undefined ? `/models/${model}/predictions` : '/predictions', {
        method: 'POST',
        headers: { 'Cancel-After': `${cancelAfterSeconds}s` },
        data: {
          ...(version !== undefined && { version }),
          input,
          ...(webhookUrl === undefined ? {} : { webhook: webhookUrl, webhook_events_filter: ['completed'] }),
        },
        signal,
      });
      if (!outcome.answered) {
        const error = errorOfFailure(what, outcome.failure);
        return { kind: neverSent(outcome.failure) ? 'not-created' : 'unknown', error };
      }
      const { status, headers, body } = outcome;
      if (provesNotCreated(status)) return { kind: 'not-created', error: errorOfAnswer(what, status, headers, body) };
      if (status < 200 || status > 299) return { kind: 'unknown', error: errorOfAnswer(what, status, headers, body) };
      try {
        return { kind: 'created', prediction: readPrediction(parseAnswer(what, z.unknown(), body)) };
      } catch (error) {
        if (!(error instanceof ReelwrightError)) throw error;
        return { kind: 'unknown', error };
      }
    },

    async get(id, { signal } = {}) {
      const route = `/predictions/${encodeURIComponent(id)}`;
      const request = { ...(signal && { signal }) };
      return readPrediction(await call(`get prediction ${id}`, z.unknown(), route, request, errorOfLook));
    },

    async cancel(id, { signal } = {}) {
      const route = `/predictions/${encodeURIComponent(id)}/cancel`;
      const request = { method: 'POST' as const, ...(signal && { signal }) };
      return readPrediction(await call(`cancel prediction ${id}`, z.unknown(), route, request));
    },

    async *list({ createdAfter, signal }) {
      let next: string | URL | undefined = '/predictions';
      let params: Record<string, string> = { created_after: createdAfter.toISOString() };
      while (next !== undefined) {
        const request = { params, ...(signal && { signal }) };
        const page: z.output<typeof pageSchema> = await call(
          'list predictions',
          pageSchema,
          next,
          request,
          errorOfList,
        );
        for (const entry of page.results) yield readPrediction(entry);
        next = page.next == null ? undefined : new URL(page.next);
        params = {};
        if (next !== undefined && next.origin !== origin) {
          throw new ReelwrightError('PROVIDER_UNAVAILABLE', `expected the next page at ${origin}, got ${next.origin}`);
        }
      }
    },

    async uploadFile(file, { filename, signal }) {
      const form = new FormData();
      form.append('content', file, filename);
      const request = { method: 'POST' as const, data: form, ...(signal && { signal }) };
      const answer = await call('upload a file', fileSchema, '/files', request);
      return {
        id: answer.id,
        url: answer.urls.get,
        expiresAt: answer.expires_at == null ? null : new Date(answer.expires_at),
      };
    },

    async webhookSecret({ signal } = {}) {
      const route = '/webhooks/default/secret';
      return (await call('get the webhook secret', secretSchema, route, { ...(signal && { signal }) })).key;
    },

    openOutput: (url, { signal } = {}) =>
      openOutput(url, { ownHost: new URL(options.baseUrl).host, ...(signal && { signal }) }),
  };
}

function parseAnswer<T>(what: string, schema: z.ZodType<T>, body: string): T {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new ReelwrightError('PROVIDER_UNAVAILABLE', `${what}: expected JSON from the provider`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problem = result.error.issues[0];
  const where = problem?.path.join('.') ?? '';
  throw new ReelwrightError(
    'PROVIDER_UNAVAILABLE',
    `${what}: unexpected answer at ${where}: ${problem?.message ?? ''}`,
  );
}
