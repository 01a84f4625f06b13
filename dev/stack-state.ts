/** `.dev/state.json`: where the running stack is, for people and programs that use it. */
import { rmSync } from 'node:fs';
import { readJson, writePrivateJson } from './supervisor/json-file.js';

export interface StackState {
  /** Without a path, as the other addresses. */
  apiUrl: string;
  apiKey: string;
  databaseUrl: string;
  temporalAddress: string;
  temporalNamespace: string;
  /** Absent with a Temporal that is not ours, unless TEMPORAL_UI_URL names it. */
  temporalUiUrl?: string;
  /** Absent with the real Replicate. */
  replicateUrl?: string;
  /** Where Prometheus reads the figures of each process of ours. */
  metrics: { api: string; worker: string; mediaWorker: string };
  /** The working processes themselves; parts that were not started by us are absent. */
  pids: Record<string, number>;
}

/** Replaces the file in one step, readable for its owner only. */
export function writeState(path: string, state: StackState): void {
  writePrivateJson(path, state);
}

export function removeState(path: string): void {
  rmSync(path, { force: true });
}

/** @returns undefined where no stack has written its state */
export function readState(path: string): StackState | undefined {
  const value = readJson(path);
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && 'apiUrl' in value && 'apiKey' in value && 'pids' in value) {
    return value as StackState;
  }
  throw new Error(`Expected {apiUrl, apiKey, ..., pids} in ${path}`);
}
