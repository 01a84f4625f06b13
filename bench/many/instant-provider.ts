/** A provider in memory whose predictions are done at once, and whose webhook is signed and sent as the real one's is. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { createFakeProvider } from '../../replicate/fake-provider.js';
import type { Prediction, VideoProvider } from '../../replicate/video-provider.js';

const AGENT = new Agent({ keepAlive: true });

/**
 * @param secret of its webhooks, `whsec_` and base64
 * @param webhookAfterMs asked for each prediction: how long after its answer the webhook follows
 */
export function createInstantProvider(secret: string, webhookAfterMs: () => number): VideoProvider {
  const webhook = new Webhook(secret);
  const made = new Map<string, Prediction>();
  return {
    ...createFakeProvider(),
    async create({ model, input, webhookUrl }) {
      const now = new Date();
      const id = randomBytes(13).toString('hex');
      const prediction: Prediction = {
        id,
        model,
        status: 'succeeded',
        input,
        outputUrls: [`https://replicate.delivery/${id}/output.mp4`],
        error: null,
        dataRemoved: false,
        createdAt: now,
        startedAt: now,
        completedAt: now,
        metrics: { predict_time: 0 },
      };
      made.set(id, prediction);
      if (webhookUrl !== undefined) {
        void sleep(webhookAfterMs()).then(() => send(webhook, webhookUrl, JSON.stringify(bodyOf(prediction))));
      }
      return { kind: 'created', prediction: { ...prediction, status: 'starting', outputUrls: [], completedAt: null } };
    },
    async get(id) {
      const prediction = made.get(id);
      if (prediction === undefined) throw new Error(`expected a prediction ${id}`);
      return prediction;
    },
  };
}

const bodyOf = (prediction: Prediction): Record<string, unknown> => ({
  id: prediction.id,
  model: prediction.model,
  version: 'hidden',
  input: prediction.input,
  status: prediction.status,
  output: prediction.outputUrls[0],
  error: null,
  created_at: prediction.createdAt.toISOString(),
  started_at: prediction.createdAt.toISOString(),
  completed_at: prediction.createdAt.toISOString(),
  metrics: prediction.metrics,
});

async function send(webhook: Webhook, url: string, body: string): Promise<void> {
  const id = `msg_${randomUUID()}`;
  const at = new Date();
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': webhook.sign(id, at, body),
  };
  await new Promise<void>((resolve, reject) => {
    request(url, { method: 'POST', headers, agent: AGENT }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`the webhook was answered with ${response.statusCode}`));
      });
    })
      .once('error', reject)
      .end(body);
  });
}
