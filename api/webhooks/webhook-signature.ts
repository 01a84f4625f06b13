import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { ReelwrightError } from '../../domain/errors.js';
import type { WebhookSecrets } from './webhook-secrets.js';

/** The three headers of a signed webhook (Standard Webhooks), as they came. */
export interface SignedHeaders {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
}

/**
 * Throws INVALID_SIGNATURE unless one of the accepted secrets signed these bytes and the timestamp is within 5 minutes
 * of now. The secrets are asked for anew when none of them fits, since the provider may have changed its own.
 */
export async function checkSignature(secrets: WebhookSecrets, body: Buffer, headers: SignedHeaders): Promise<void> {
  if (Object.values(headers).some((value) => value === '')) {
    throw invalid('expected the headers webhook-id, webhook-timestamp and webhook-signature');
  }
  const first = verify(await secrets.current(), body, headers);
  if (first === undefined) return;
  const second = verify(await secrets.refreshed(), body, headers);
  if (second !== undefined) throw second;
}

/** Undefined when a secret fits, else why none does. */
function verify(secrets: readonly string[], body: Buffer, headers: SignedHeaders): ReelwrightError | undefined {
  for (const secret of secrets) {
    try {
      new Webhook(secret).verify(body, { ...headers }, { jsonParse: false });
      return undefined;
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      if (error.message.includes('timestamp')) return invalid('expected a webhook-timestamp within 5 minutes of now');
    }
  }
  return invalid('expected a signature of the body by the webhook secret');
}

const invalid = (message: string): ReelwrightError => new ReelwrightError('INVALID_SIGNATURE', message);
