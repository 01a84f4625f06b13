/** Sends signed webhooks (Standard Webhooks). Terminal ones are sent again after a failure, also by the next process. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Webhook } from 'standardwebhooks';
import type { WebhookEvent } from './create-validation.js';
import { newWebhookId } from './ids.js';
import { boundFault, type Delivery, type DeliveryAttempt, type PredictionRecord } from './prediction-record.js';
import type { PredictionStore } from './prediction-store.js';

/** Waits of 1, 2, 4, ... 32 base delays: with a base of 1 s the last retry comes about a minute after the end. */
const MAX_RETRIES = 6;
/** `output` and `logs` are sent at most this often: the provider's OpenAPI file. */
const THROTTLE_MS = 500;

export interface WebhookSenderOptions {
  store: PredictionStore;
  /** `whsec_...` */
  key: string;
  retryBaseMs: number;
  timeoutMs: number;
  logger: Logger;
  /** The prediction object as it is now. */
  view: (record: PredictionRecord) => Record<string, unknown>;
}

export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  readonly #signer: Webhook;
  readonly #closing = new AbortController();
  /** What each prediction is sending: its messages go out one after the other. */
  readonly #queues = new Map<string, Promise<void>>();
  readonly #throttledAt = new Map<string, number>();

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
    this.#signer = new Webhook(options.key);
  }

  /**
   * Adds the message of an event to the record, with the prediction as it is now, where the prediction has a webhook
   * that wants the event. The caller saves the record and then calls `send`, so that no message is lost between.
   */
  prepare(record: PredictionRecord, event: WebhookEvent): Delivery | undefined {
    if (record.webhook === null || !record.webhookEvents.includes(event)) return undefined;
    if (boundFault(record, 'no-webhook') !== undefined || this.#isThrottled(record, event)) return undefined;
    const terminal = event === 'completed';
    const late = terminal ? boundFault(record, 'late-webhook') : undefined;
    const delivery: Delivery = {
      webhookId: newWebhookId(),
      event,
      state: 'pending',
      body: JSON.stringify(this.#options.view(record)),
      notBefore: late === undefined ? null : new Date(Date.now() + late.delayMs).toISOString(),
      duplicates: terminal && boundFault(record, 'duplicate-webhook') !== undefined ? 1 : 0,
      attempts: [],
    };
    record.deliveries.push(delivery);
    return delivery;
  }

  /** Sends a prepared message after those before it. */
  send(record: PredictionRecord, delivery: Delivery): void {
    const before = this.#queues.get(record.id);
    const done =
      before === undefined ? this.#deliver(record, delivery) : before.then(() => this.#deliver(record, delivery));
    const settled = done
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) {
          this.#options.logger.error({ err: error, predictionId: record.id }, 'a webhook could not be sent');
        }
      })
      .finally(() => {
        if (this.#queues.get(record.id) === settled) this.#queues.delete(record.id);
      });
    this.#queues.set(record.id, settled);
  }

  /** Goes on with what an earlier process left: terminal messages are sent, the others are not sent twice. */
  resume(): void {
    for (const record of this.#options.store.all()) {
      const pending = record.deliveries.filter((delivery) => delivery.state === 'pending');
      for (const delivery of pending) {
        if (delivery.event === 'completed') this.send(record, delivery);
        else this.#settle(record, delivery, 'lost');
      }
    }
  }

  /** Stops; what is pending stays so on disk. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the webhook sender is closing'));
    await Promise.allSettled(this.#queues.values());
  }

  #isThrottled(record: PredictionRecord, event: WebhookEvent): boolean {
    if (event === 'completed') this.#throttledAt.delete(record.id);
    if (event !== 'output' && event !== 'logs') return false;
    const now = Date.now();
    if (now - (this.#throttledAt.get(record.id) ?? 0) < THROTTLE_MS) return true;
    this.#throttledAt.set(record.id, now);
    return false;
  }

  async #deliver(record: PredictionRecord, delivery: Delivery): Promise<void> {
    const { body, notBefore } = delivery;
    const closing = this.#closing.signal;
    closing.throwIfAborted();
    if (body === null || record.webhook === null)
      throw new Error(`expected ${delivery.webhookId} to have a body and an address`);
    const early = notBefore === null ? 0 : Date.parse(notBefore) - Date.now();
    if (early > 0) await wait(early, undefined, { signal: closing });
    const retries = delivery.event === 'completed' ? MAX_RETRIES : 0;
    for (;;) {
      const attempt = await this.#post(record.webhook, delivery.webhookId, body);
      // An attempt cut by our own end says nothing of the receiver.
      closing.throwIfAborted();
      delivery.attempts.push(attempt);
      if (isSuccess(attempt)) break;
      const failures = delivery.attempts.length;
      if (!isRetried(attempt) || failures > retries) {
        this.#settle(record, delivery, 'lost');
        return;
      }
      this.#options.store.save(record);
      await wait(this.#options.retryBaseMs * 2 ** (failures - 1), undefined, { signal: closing });
    }
    for (let n = 0; n < delivery.duplicates; n += 1) {
      delivery.attempts.push(await this.#post(record.webhook, delivery.webhookId, body));
      closing.throwIfAborted();
    }
    this.#settle(record, delivery, 'delivered');
  }

  #settle(record: PredictionRecord, delivery: Delivery, state: 'delivered' | 'lost'): void {
    delivery.state = state;
    delivery.body = null;
    this.#options.store.save(record);
  }

  async #post(address: string, webhookId: string, body: string): Promise<DeliveryAttempt> {
    const at = new Date();
    try {
      const response = await fetch(address, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Replicate-Webhook/1.0 (local)',
          'webhook-id': webhookId,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': this.#signer.sign(webhookId, at, body),
        },
        body,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#options.timeoutMs)]),
      });
      // Read to the end, so that the connection serves the next message.
      await response.arrayBuffer();
      return { at: at.toISOString(), statusCode: response.status, error: null };
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return {
        at: at.toISOString(),
        statusCode: null,
        error: reason instanceof Error ? reason.message : String(reason),
      };
    }
  }
}

function isSuccess(attempt: DeliveryAttempt): boolean {
  return attempt.statusCode !== null && attempt.statusCode >= 200 && attempt.statusCode < 300;
}

/** A redirect is neither followed nor tried again (replicate-javascript#195). */
function isRetried(attempt: DeliveryAttempt): boolean {
  return attempt.statusCode === null || attempt.statusCode >= 400;
}
