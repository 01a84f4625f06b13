/** Load from a process of its own: wrk, which takes little of a core for gigabytes a second. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Target {
  url: string;
  headers: Record<string, string>;
}

export interface Load {
  clients: number;
  seconds: number;
  /** Ranges of so many bytes at random places of a file of so many; absent for whole files. */
  ranges?: { bytes: number; fileBytes: number };
}

export interface LoadFigures {
  megabytesPerSecond: number;
  requestsPerSecond: number;
}

const SCRIPT = new URL('./load.lua', import.meta.url);
let seed = 0;

/** Throws when an answer was no success, or a connection broke. */
export async function runLoad({ url, headers }: Target, { clients, seconds, ranges }: Load): Promise<LoadFigures> {
  const script = ['-s', SCRIPT.pathname];
  const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-t1', `-c${clients}`, `-d${seconds}s`, '--timeout', '30s', ...script, ...given, url];
  const range = ranges === undefined ? [] : ['--', String(ranges.fileBytes), String(ranges.bytes), String((seed += 1))];
  const { stdout } = await promisify(execFile)('wrk', [...args, ...range]);
  const line = /^figures (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout);
  if (line === null) throw new Error(`expected wrk to tell its figures, got ${stdout}`);
  const [microseconds, requests, bytes, failures] = line.slice(1).map(Number) as [number, number, number, number];
  if (failures > 0) throw new Error(`expected no failures at ${url}, wrk saw ${failures} of ${requests}`);
  return { megabytesPerSecond: bytes / microseconds, requestsPerSecond: (requests / microseconds) * 1e6 };
}
