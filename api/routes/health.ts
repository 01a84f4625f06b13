import { z } from 'zod';
import { ReelwrightError } from '../../domain/errors.js';
import { sendData } from '../answers.js';
import type { ApiDeps, HealthCheck } from '../deps.js';
import { defineRoute, type Route } from '../route.js';

const PATIENCE_MS = 3_000;

const liveJson = z.strictObject({ status: z.literal('live') });
const readyJson = z.strictObject({
  status: z.literal('ready'),
  parts: z
    .record(z.string(), z.enum(['ready', 'paused']))
    .describe('`purchasing` is paused while nothing is bought: orders are taken and wait.'),
});

export function healthRoutes({ healthChecks }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/health/live',
      operation: 'live',
      tag: 'Health',
      summary: 'The process answers',
      access: 'open',
      success: { status: 200, body: { kind: 'data', schema: liveJson } },
      handle: (ctx) => sendData(ctx, { status: 'live' }),
    }),
    defineRoute({
      method: 'get',
      path: '/health/ready',
      operation: 'ready',
      tag: 'Health',
      summary: 'All that the api needs is there',
      description: 'Else NOT_READY, with every part and whether it is there in details.parts.',
      access: 'open',
      success: { status: 200, body: { kind: 'data', schema: readyJson } },
      errors: ['NOT_READY'],
      async handle(ctx) {
        const parts = await Promise.all(healthChecks.map(stateOf));
        const lacking = parts.filter((part) => part.state === 'missing');
        const states = Object.fromEntries(parts.map(({ name, state }) => [name, state]));
        if (lacking.length === 0) {
          sendData(ctx, { status: 'ready', parts: states });
          return;
        }
        for (const { name, cause } of lacking) ctx.state.log.warn({ err: cause, part: name }, 'a part is missing');
        throw new ReelwrightError('NOT_READY', `missing: ${lacking.map(({ name }) => name).join(', ')}`, {
          details: { parts: states },
        });
      },
    }),
  ];
}

interface PartState {
  name: string;
  state: 'ready' | 'paused' | 'missing';
  /** Why it is missing. */
  cause?: unknown;
}

async function stateOf({ name, check }: HealthCheck): Promise<PartState> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const tooLong = new Promise<never>((_, reject) => {
    patience.addEventListener('abort', () => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), { once: true });
  });
  try {
    return { name, state: await Promise.race([check(patience), tooLong]) };
  } catch (cause) {
    return { name, state: 'missing', cause };
  }
}
