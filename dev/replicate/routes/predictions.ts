import { finished } from 'node:stream';
import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import type { Context } from 'koa';
import { type CreateBody, validateBody, validateInput, WEBHOOK_EVENTS } from '../create-validation.js';
import { newId } from '../ids.js';
import { findModel, type Model, resolveVersion } from '../models.js';
import { page } from '../pages.js';
import { type Parts, refuseWhereStruck, subjectOf, viewNow } from '../parts.js';
import { boundFault, isFinal, type PredictionRecord } from '../prediction-record.js';
import { internalError, invalidVersion, notFound, Problem, throttled } from '../problems.js';
import { cancelAfterMs, waitSeconds } from '../request-headers.js';

/** Room for inputs given as data URIs. */
const MAX_BODY = '64mb';

/** Create, list, get and cancel: `schemas_prediction_*` of the provider's OpenAPI file. */
export function createPredictionRoutes(parts: Parts): Router {
  const router = new Router();
  const json = bodyParser({ enableTypes: ['json'], jsonLimit: MAX_BODY });

  router.post('/predictions', json, async (context) => {
    takeCreate(parts);
    const body = validateBody(context.request.body ?? {}, 'version');
    const resolved = resolveVersion(body.version ?? '');
    if (resolved === undefined) throw invalidVersion();
    await create(parts, context, body, resolved);
  });

  router.post('/models/:owner/:name/predictions', json, async (context) => {
    takeCreate(parts);
    const model = findModel(`${context.params['owner']}/${context.params['name']}`);
    // Models that are not official run by version only.
    if (model?.official !== true) throw notFound();
    await create(parts, context, validateBody(context.request.body ?? {}, 'model'), { model, version: 'hidden' });
  });

  router.get('/predictions', (context) => {
    refuseWhereStruck(parts, 'list', {});
    const listed = page(listedPredictions(parts, context.query), new URL(context.url, parts.origin()));
    context.body = {
      next: listed.next,
      previous: listed.previous,
      results: listed.items.map((record) => viewNow(parts, record)),
    };
  });

  router.get('/predictions/:id', (context) => {
    const record = find(parts, context);
    refuseWhereStruck(parts, 'get', subjectOf(record));
    context.body = viewNow(parts, record);
  });

  router.post('/predictions/:id/cancel', (context) => {
    const record = find(parts, context);
    refuseWhereStruck(parts, 'cancel', subjectOf(record));
    parts.runner.cancel(record);
    context.body = viewNow(parts, record);
  });

  return router;
}

function find(parts: Parts, context: Context): PredictionRecord {
  const record = parts.predictions.find(String(context['params'].id));
  if (record === undefined) throw notFound();
  return record;
}

function takeCreate(parts: Parts): void {
  const taken = parts.creates.take();
  if (!taken.allowed) throw throttled(taken.retryAfterSeconds);
}

async function create(
  parts: Parts,
  context: Context,
  body: CreateBody,
  which: { model: Model; version: string },
): Promise<void> {
  const waitFor = waitSeconds(context.get('prefer') || undefined);
  const cancelAfter = cancelAfterMs(context.get('cancel-after') || undefined);
  validateInput(which.model, body.input);
  const subject = subjectOf({ model: which.model.name, input: body.input });
  refuseWhereStruck(parts, 'create', subject);

  const now = Date.now();
  const record = parts.predictions.add({
    id: newId(),
    model: which.model.name,
    version: which.version,
    input: body.input,
    status: 'starting',
    createdAt: new Date(now).toISOString(),
    startedAt: null,
    completedAt: null,
    deadlineAt: cancelAfter === undefined ? null : new Date(now + cancelAfter).toISOString(),
    error: null,
    logs: '',
    output: null,
    metrics: null,
    dataRemoved: false,
    webhook: body.webhook ?? null,
    webhookEvents: body.webhook_events_filter ?? [...WEBHOOK_EVENTS],
    faults: parts.faults.strikeCreation(subject),
    deliveries: [],
  });
  if (waitFor !== undefined) {
    parts.runner.submit(record);
    await parts.runner.waitForEnd(record, waitFor * 1000);
  } else {
    // It runs once the answer is out, so that no webhook can come before it.
    finished(context.res, () => parts.runner.submit(record));
  }

  if (boundFault(record, 'lost-answer') !== undefined) {
    context.respond = false;
    context.req.socket.destroy();
    return;
  }
  if (boundFault(record, 'created-500') !== undefined) throw internalError();
  context.status = waitFor === undefined || isFinal(record) ? 201 : 202;
  context.body = viewNow(parts, record);
}

/** What the list shows under these filters, oldest first. Throws a 400 problem for a filter that cannot be read. */
function listedPredictions(parts: Parts, query: Context['query']): PredictionRecord[] {
  const after = instant(query['created_after'], 'created_after') ?? Number.NEGATIVE_INFINITY;
  const before = instant(query['created_before'], 'created_before') ?? Number.POSITIVE_INFINITY;
  const { source } = query;
  if (source !== undefined && source !== 'web') {
    throw new Problem(400, { title: 'Bad request', detail: `source must be "web", got "${String(source)}"` });
  }
  // Nothing here was made on the website.
  if (source === 'web') return [];
  const now = Date.now();
  return parts.predictions.all().filter((record) => {
    const createdAt = Date.parse(record.createdAt);
    const lag = boundFault(record, 'list-lag')?.delayMs ?? 0;
    return createdAt >= after && createdAt < before && now >= createdAt + lag;
  });
}

function instant(value: string | string[] | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new Problem(400, {
      title: 'Bad request',
      detail: `${name} must be one ISO 8601 date-time, got "${String(value)}"`,
    });
  }
  return time;
}
