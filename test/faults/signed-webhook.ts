/** Webhooks that the provider never sent, signed as it would sign them. */
import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { StackState } from '../../dev/stack-state.js';

/** Resolves with a sender of bodies, which throws where the api refuses one. */
export async function createWebhookSender({
  apiUrl,
  replicateUrl,
}: StackState): Promise<(body: Record<string, unknown>) => Promise<void>> {
  const headers = { authorization: 'Bearer local' };
  const answer = await fetch(`${replicateUrl}/v1/webhooks/default/secret`, { headers });
  const webhook = new Webhook(((await answer.json()) as { key: string }).key);
  return async (prediction) => {
    const id = `msg_${randomUUID()}`;
    const at = new Date();
    const body = JSON.stringify(prediction);
    const { ok, status } = await fetch(`${apiUrl}/api/v3/webhooks/replicate`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': webhook.sign(id, at, body),
      },
      body,
    });
    if (!ok) throw new Error(`the webhook was refused with ${status}`);
  };
}
