import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import { parseFault } from '../faults.js';
import type { Parts } from '../parts.js';
import { outputUrl } from '../prediction-record.js';
import { priceUsd } from '../prices.js';
import { notFound, Problem } from '../problems.js';
import { downloadUrl } from './files.js';

const DEFAULT_LINK_SECONDS = 3600;

/** What the real provider does not have: what was bought, and what goes wrong next. No token is asked for. */
export function createLocalRoutes(parts: Parts): Router {
  const router = new Router({ prefix: '/_local' });
  const json = bodyParser({ enableTypes: ['json'] });

  router.get('/health', (context) => {
    context.body = { status: 'ok' };
  });

  /** Everything that was bought, oldest first, with its input even where the provider has erased it. */
  router.get('/predictions', (context) => {
    context.body = parts.predictions.all().map((record) => ({
      id: record.id,
      model: record.model,
      version: record.version,
      input: record.input,
      status: record.status,
      error: record.error,
      createdAt: record.createdAt,
      startedAt: record.startedAt,
      completedAt: record.completedAt,
      priceUsd: priceUsd(record),
      outputUrl: record.output === null ? null : outputUrl(record.output, parts.origin()),
      dataRemoved: record.dataRemoved,
      webhook: record.webhook,
      faults: record.faults.map((fault) => fault.fault),
      deliveries: record.deliveries.map(({ webhookId, event, state, attempts }) => ({
        webhookId,
        event,
        state,
        attempts,
      })),
    }));
  });

  /** Lets a prediction go on that the fault `hang` holds. */
  router.post('/predictions/:id/release', (context) => {
    const record = parts.predictions.find(String(context.params['id']));
    if (record === undefined) throw notFound('Prediction not found');
    parts.runner.release(record);
    context.status = 204;
  });

  router.get('/faults', (context) => {
    context.body = parts.faults.list();
  });

  router.post('/faults', json, (context) => {
    context.status = 201;
    context.body = parts.faults.arm(parseFault(context.request.body ?? {}));
  });

  router.delete('/faults', (context) => {
    parts.faults.clear();
    context.status = 204;
  });

  /** The signed link that the real account owner makes with the secret of the Files API. */
  router.get('/files/:id/download-url', (context) => {
    const upload = parts.uploads.find(String(context.params['id']));
    if (upload === undefined) throw notFound('File not found');
    const seconds = Number(context.query['seconds'] ?? DEFAULT_LINK_SECONDS);
    if (!Number.isInteger(seconds)) {
      throw new Problem(422, { detail: `seconds must be a whole number, got "${String(context.query['seconds'])}"` });
    }
    context.body = { url: downloadUrl(parts, upload, Math.floor(Date.now() / 1000) + seconds) };
  });

  return router;
}
