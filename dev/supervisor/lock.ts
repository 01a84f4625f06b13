/** One supervisor per state directory: a file that names its holder, taken over when the holder is gone. */
import { createHash, randomUUID } from 'node:crypto';
import { linkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readText } from './json-file.js';
import { identify, isStillRunning, type ProcessIdentity } from './process-table.js';
import { becomesTrue } from './wait.js';

/** Somebody else holds the lock. */
export class LockHeldError extends Error {
  readonly holder: ProcessIdentity;

  constructor(path: string, holder: ProcessIdentity) {
    super(`${path} is held by process ${holder.pid}, which is running`);
    this.name = 'LockHeldError';
    this.holder = holder;
  }
}

/** A takeover takes microseconds; one that is this old was interrupted by the death of its process. */
const STALE_TAKEOVER_MS = 5_000;
/** Longer than a stale takeover needs to be noticed. */
const CLAIM_LIMIT_MS = 10_000;

/**
 * Takes the lock for this process.
 *
 * Two processes that find the same dead holder must not both replace it. The right to replace one holder is therefore
 * a file of its own, named after that holder, which only one process can create.
 * @returns a function that gives the lock back
 * @throws LockHeldError while its holder runs
 */
export async function takeLock(path: string): Promise<() => void> {
  const self = identify(process.pid);
  if (self === undefined) throw new Error(`Expected to find this process (${process.pid}) in the process table`);
  const claim = `${path}.${randomUUID()}.claim`;
  writeFileSync(claim, JSON.stringify(self), { mode: 0o600 });
  try {
    const taken = await becomesTrue(() => claimLock(path, claim), { limitMs: CLAIM_LIMIT_MS, everyMs: 50 });
    if (!taken) throw new Error(`Could not take ${path} in ${CLAIM_LIMIT_MS} ms: other processes keep taking it over`);
  } finally {
    rmSync(claim, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/** Who holds the lock, or undefined where nobody who runs does. */
export function lockHolder(path: string): ProcessIdentity | undefined {
  const text = readText(path);
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder !== undefined && isStillRunning(holder) ? holder : undefined;
}

/** @returns false where another process is at it and the answer is not known yet */
function claimLock(path: string, claim: string): boolean {
  if (tryLink(claim, path)) return true;
  const text = readText(path);
  if (text === undefined) return false;
  const holder = parseHolder(text);
  if (holder !== undefined && isStillRunning(holder)) throw new LockHeldError(path, holder);
  const right = `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}.takeover`;
  if (!tryLink(claim, right)) {
    if (ageMs(right) > STALE_TAKEOVER_MS) rmSync(right, { force: true });
    return false;
  }
  // This process may have read the dead holder long ago: it is replaced only while it is still what is there.
  const isStillThere = readText(path) === text;
  if (isStillThere) renameSync(claim, path);
  rmSync(right, { force: true });
  return isStillThere;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns undefined for a file that a power failure left without its text: it has no holder */
function parseHolder(text: string): ProcessIdentity | undefined {
  const match = /^\{"pid":(\d+),"startedAt":"([^"]+)"\}$/.exec(text);
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { pid: Number(match[1]), startedAt: match[2] };
}

function ageMs(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 0 : Date.now() - stats.ctimeMs; // the moment of the link
}
