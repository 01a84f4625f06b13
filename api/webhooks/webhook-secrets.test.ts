import { describe, expect, test } from 'vitest';
import { fetchedWebhookSecrets } from './webhook-secrets.js';

/** A provider whose secret can be changed, and a clock that is set by hand. */
function rig(options: { refreshAfterMs?: number; keepPreviousMs?: number } = {}) {
  const state = { secret: 'whsec_one', asked: 0, failing: false, now: 0 };
  const secrets = fetchedWebhookSecrets(
    async () => {
      state.asked += 1;
      if (state.failing) throw new Error('the provider is away');
      return state.secret;
    },
    { refreshAfterMs: 10_000, keepPreviousMs: 60_000, ...options, now: () => state.now },
  );
  return { state, secrets };
}

describe('the secret of the provider', () => {
  test('is asked for once, also by many at the same time', async () => {
    const { state, secrets } = rig();
    expect(await Promise.all([secrets.current(), secrets.current(), secrets.current()])).toEqual(
      Array(3).fill(['whsec_one']),
    );
    expect(await secrets.current()).toEqual(['whsec_one']);
    expect(state.asked).toBe(1);
  });

  test('is asked for again when a signature does not fit, and not more often than every 10 seconds', async () => {
    const { state, secrets } = rig();
    await secrets.current();
    state.secret = 'whsec_two';
    state.now = 9_999;
    expect(await secrets.refreshed()).toEqual(['whsec_one']);
    state.now = 10_000;
    expect(await secrets.refreshed()).toEqual(['whsec_two', 'whsec_one']);
    expect(await secrets.refreshed()).toEqual(['whsec_two', 'whsec_one']);
    expect(state.asked).toBe(2);
  });

  test('before the last change is accepted for a while, and then no more', async () => {
    const { state, secrets } = rig();
    await secrets.current();
    state.secret = 'whsec_two';
    state.now = 20_000;
    await secrets.refreshed();
    state.now = 80_000;
    expect(await secrets.current()).toEqual(['whsec_two', 'whsec_one']);
    state.now = 80_001;
    expect(await secrets.current()).toEqual(['whsec_two']);
  });

  test('that could not be asked for is an error, and is asked for again by the next webhook', async () => {
    const { state, secrets } = rig();
    state.failing = true;
    await expect(secrets.current()).rejects.toThrow('the provider is away');
    state.failing = false;
    expect(await secrets.current()).toEqual(['whsec_one']);
  });
});
