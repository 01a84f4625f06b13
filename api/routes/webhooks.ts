import { ReelwrightError } from '../../domain/errors.js';
import { webhookLagSeconds, webhooks as webhooksCounted } from '../../telemetry/metrics.js';
import { sendData } from '../answers.js';
import type { BackgroundTasks } from '../background-tasks.js';
import type { ApiDeps } from '../deps.js';
import { DEFAULT_MAX_JSON_BYTES } from '../mount-routes.js';
import { parseJson, readBody } from '../read-body.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { predictionBody, webhookQuery, webhookReceipt } from '../schemas/webhooks.schema.js';
import { validate } from '../validation.js';
import { deliverWebhook } from '../webhooks/deliver-webhook.js';
import { signedPrediction } from '../webhooks/signed-prediction.js';
import { checkSignature } from '../webhooks/webhook-signature.js';

export const WEBHOOK_PATH = `${API_PREFIX}/webhooks/replicate`;

export function webhookRoutes({ knex, webhooks, config }: ApiDeps, background: BackgroundTasks): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: WEBHOOK_PATH,
      operation: 'receiveReplicateWebhook',
      tag: 'Webhooks',
      summary: 'Take a webhook of Replicate',
      description: 'Signed in the headers webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks).',
      access: 'signature',
      query: webhookQuery,
      rawBody: { contentType: 'application/json', schema: predictionBody },
      success: { status: 200, body: { kind: 'data', schema: webhookReceipt } },
      errors: ['MALFORMED_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'VALIDATION_FAILED', 'NOT_READY'],
      async handle(ctx, { query }) {
        const bytes = await readBody(ctx, config.maxJsonBytes ?? DEFAULT_MAX_JSON_BYTES);
        const webhookId = ctx.get('webhook-id');
        await checkSignature(webhooks.secrets, bytes, {
          'webhook-id': webhookId,
          'webhook-timestamp': ctx.get('webhook-timestamp'),
          'webhook-signature': ctx.get('webhook-signature'),
        });
        const body = parseJson(bytes);
        const { id: predictionId } = validate(predictionBody, body);
        const seen = signedPrediction(body);
        const { model, fingerprint } = seen ?? { model: null, fingerprint: null };
        const webhook = { webhookId, predictionId, body, model, fingerprint };
        const { received, generation } = await webhooks.receive(webhook).catch((cause: unknown) => {
          throw new ReelwrightError('NOT_READY', 'the webhook could not be kept; send it again', { cause });
        });
        count(received, body, ctx.state.now());
        const { log } = ctx.state;
        const delivery = { predictionId, generation, seen, hint: query.workflow };
        background.run(() => deliverWebhook({ knex, signal: webhooks.signal }, delivery, log));
        sendData(ctx, { received });
      },
    }),
  ];
}

/** The lag counts for the first delivery alone: a repeated one says how long we were away. */
function count(received: 'new' | 'known', body: unknown, now: Date): void {
  webhooksCounted.inc({ outcome: received });
  const { completed_at: completedAt } = body as { completed_at?: unknown };
  const lagMs = typeof completedAt === 'string' ? now.getTime() - Date.parse(completedAt) : Number.NaN;
  if (received === 'new' && !Number.isNaN(lagMs)) webhookLagSeconds.observe(Math.max(0, lagMs / 1000));
}
