import type { ClipProbe } from './probe-clip.js';

/**
 * Which kind of probe is kept. To be raised whenever `probeClip` says more, less or something else of the same file:
 * another field, another meaning, another way to find it. What was kept under another version is then never read again.
 */
export const PROBE_VERSION = 1;

/** A clip's probe as JSON carries it, which knows no Infinity. */
export type StoredProbe = Omit<ClipProbe, 'scan'> & {
  scan?: Omit<NonNullable<ClipProbe['scan']>, 'offSeconds'> & { offSeconds: number | null };
};

/** For `readProbe`. */
export function storedProbe({ scan, ...seen }: ClipProbe): StoredProbe {
  if (scan === undefined) return seen;
  return { ...seen, scan: { ...scan, offSeconds: Number.isFinite(scan.offSeconds) ? scan.offSeconds : null } };
}

/** What `storedProbe` was given, once JSON has carried it. */
export function readProbe({ scan, ...seen }: StoredProbe): ClipProbe {
  if (scan === undefined) return seen;
  return { ...seen, scan: { ...scan, offSeconds: scan.offSeconds ?? Number.POSITIVE_INFINITY } };
}
