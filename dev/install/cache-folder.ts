/** Where programs that were downloaded or built are kept: outside the checkout, shared by all checkouts of this user. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** `${XDG_CACHE_HOME:-~/.cache}/reelwright`. A relative XDG_CACHE_HOME counts as unset, as its specification says. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'reelwright');
}
