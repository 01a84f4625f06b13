import { type Prediction, validateWebhook } from 'replicate';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { armFault, boughtOne, call, startReceiver, startTestServer, until, untilStatus } from './test-kit.js';

const OPTIONS = { model: 'google/veo-3.1-fast', input: { prompt: 'A kitchen', duration: 4 } } as const;
const COMPLETED = { webhook_events_filter: ['completed' as const] };

async function settled(server: { origin: string }, id: string) {
  return until('every webhook is settled', async () => {
    const { deliveries } = await boughtOne(server, id);
    return deliveries.length > 0 && deliveries.every((one) => one.state !== 'pending') ? deliveries : undefined;
  });
}

describe('a webhook', () => {
  it('is accepted by the client’s validateWebhook and by standardwebhooks, and refused once changed', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    const { id } = await server.client.predictions.create({ ...OPTIONS, ...COMPLETED, webhook: receiver.url });
    const [message] = await until('it has arrived', () =>
      receiver.received.length > 0 ? receiver.received : undefined,
    );
    if (message === undefined) throw new Error('expected a message');
    const { key } = await server.client.webhooks.default.secret.get();
    expect(key).toMatch(/^whsec_/);
    const headers = {
      'webhook-id': String(message.headers['webhook-id']),
      'webhook-timestamp': String(message.headers['webhook-timestamp']),
      'webhook-signature': String(message.headers['webhook-signature']),
    };
    const signed = {
      id: headers['webhook-id'],
      timestamp: headers['webhook-timestamp'],
      signature: headers['webhook-signature'],
    };
    expect(headers['webhook-id']).toMatch(/^msg_/);
    expect(await validateWebhook({ ...signed, body: message.body, secret: key })).toBe(true);
    expect(await validateWebhook({ ...signed, body: `${message.body} `, secret: key })).toBe(false);
    expect(new Webhook(key).verify(message.body, headers)).toEqual(message.prediction);
    expect(() => new Webhook(key).verify(message.body.replace('succeeded', 'failed'), headers)).toThrow();
    // The same object as GET gives; the query of the address has arrived with it.
    expect(message.prediction).toEqual(await server.client.predictions.get(id));
    expect(message.prediction.status).toBe('succeeded');
  });

  it('comes for start, logs, output and completed, in that order', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    // Output and logs come at most every 500 ms.
    await armFault(server, { fault: 'slow', delayMs: 600 });
    const { id } = await server.client.predictions.create({ ...OPTIONS, webhook: receiver.url });
    await untilStatus(server.client, id, 'succeeded');
    const deliveries = await settled(server, id);
    expect(deliveries.map((one) => one.event)).toEqual(['start', 'logs', 'output', 'completed']);
    expect(receiver.received.map((one) => [one.prediction.status, one.prediction.output !== null])).toEqual([
      ['processing', false],
      ['processing', false],
      ['processing', true],
      ['succeeded', true],
    ]);
  });

  it('comes only for the events that the filter names', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    const { id } = await server.client.predictions.create({
      ...OPTIONS,
      webhook: receiver.url,
      webhook_events_filter: ['output', 'start'],
      wait: 10,
    });
    expect((await settled(server, id)).map((one) => one.event)).toEqual(['start', 'output']);
    expect(receiver.received.map((one) => one.prediction.status)).toEqual(['processing', 'processing']);
  });

  it.each(['canceled', 'failed'] as const)('comes for a prediction that was %s', async (status) => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    await armFault(server, status === 'failed' ? { fault: 'fail' } : { fault: 'hang' });
    const { id } = await server.client.predictions.create({ ...OPTIONS, ...COMPLETED, webhook: receiver.url });
    if (status === 'canceled') {
      await untilStatus(server.client, id, 'processing');
      await server.client.predictions.cancel(id);
    }
    await until('it has arrived', () => receiver.received.length > 0);
    expect(receiver.received.map((one) => one.prediction.status)).toEqual([status]);
  });

  it('never comes before the answer to the create', async () => {
    const server = await startTestServer({ instant: true });
    const known = new Set<string>();
    const early: string[] = [];
    const receiver = await startReceiver();
    const create = async () => {
      const answer = await call(server, 'POST', '/models/google/veo-3/predictions', {
        body: { input: OPTIONS.input, webhook: receiver.url },
      });
      const seen = receiver.received.map((one) => one.prediction.id);
      const { id } = (await answer.json()) as Prediction;
      if (seen.includes(id)) early.push(id);
      known.add(id);
    };
    for (let n = 0; n < 20; n += 1) await create();
    expect(known.size).toBe(20);
    expect(early).toEqual([]);
  });
});

describe('a webhook that is not taken', () => {
  it('is sent again with the same id, if terminal, until it is', async () => {
    const server = await startTestServer({ instant: true, webhookRetryBaseMs: 10 });
    const receiver = await startReceiver([{ status: 500 }, { status: 404 }, { status: 204 }]);
    const { id } = await server.client.predictions.create({ ...OPTIONS, ...COMPLETED, webhook: receiver.url });
    const [delivery] = await settled(server, id);
    expect(delivery).toMatchObject({ event: 'completed', state: 'delivered' });
    expect(delivery?.attempts.map((one) => one.statusCode)).toEqual([500, 404, 204]);
    expect(new Set(receiver.received.map((one) => one.headers['webhook-id']))).toEqual(new Set([delivery?.webhookId]));
    expect(new Set(receiver.received.map((one) => one.body)).size).toBe(1);
  });

  it('is sent again where nobody listens, seven times in all, and then given up', async () => {
    const server = await startTestServer({ instant: true, webhookRetryBaseMs: 1 });
    const { id } = await server.client.predictions.create({
      ...OPTIONS,
      ...COMPLETED,
      webhook: 'http://127.0.0.1:9/x',
    });
    const [delivery] = await settled(server, id);
    expect(delivery?.state).toBe('lost');
    expect(delivery?.attempts.map((one) => one.statusCode)).toEqual(Array.from({ length: 7 }, () => null));
  });

  it('is sent once only, if it is not terminal', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver([{ status: 500 }]);
    const { id } = await server.client.predictions.create({
      ...OPTIONS,
      webhook: receiver.url,
      webhook_events_filter: ['start'],
    });
    expect((await settled(server, id)).map((one) => one.attempts.length)).toEqual([1]);
  });

  it('is lost by a redirect, which is neither followed nor tried again', async () => {
    const server = await startTestServer({ instant: true });
    const target = await startReceiver();
    const receiver = await startReceiver([{ status: 301, headers: { location: target.url } }]);
    const { id } = await server.client.predictions.create({ ...OPTIONS, ...COMPLETED, webhook: receiver.url });
    const [delivery] = await settled(server, id);
    expect(delivery).toMatchObject({ state: 'lost' });
    expect(receiver.received).toHaveLength(1);
    expect(target.received).toHaveLength(0);
  });
});
