import type { Environment } from './environment.js';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whether this deployment may place an order of its own each night. By itself only where the provider is on this
 * machine, and therefore not the real one: anywhere else it may cost money, and somebody has to say so.
 */
export function mayRunSelfTest(env: Pick<Environment, 'SELF_TEST' | 'REPLICATE_BASE_URL'>): boolean {
  if (env.SELF_TEST !== 'auto') return env.SELF_TEST === 'on';
  return LOOPBACK.test(new URL(env.REPLICATE_BASE_URL).hostname);
}
