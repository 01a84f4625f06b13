/** Fixed ports for the parts: kept over restarts, chosen anew when somebody else has taken one. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { readJson, writePrivateJson } from './json-file.js';

/** Below this lie the ports of well-known services. */
const LOWEST = 15_000;
const USUAL_EPHEMERAL_START = 32_768;

/**
 * Gives every name a port that is free on 127.0.0.1 now, the one that the file remembers where it still is free.
 *
 * The ports lie below the range that the system hands to outgoing connections: while a part is down, somebody's
 * connection, even a client's own retry to that port, could otherwise take it.
 */
export async function choosePorts<Name extends string>(
  path: string,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const remembered = readJson(path);
  const chosen = new Map<Name, number>();
  const taken = new Set<number>();
  for (const name of names) {
    const old = rememberedPort(remembered, name);
    const port = old !== undefined && !taken.has(old) && (await isFree(old)) ? old : await findFreePort(taken);
    taken.add(port);
    chosen.set(name, port);
  }
  const ports = Object.fromEntries(chosen) as Record<Name, number>;
  writePrivateJson(path, { ...(isRecord(remembered) ? remembered : {}), ...ports });
  return ports;
}

/** True while nobody listens on that port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if ('code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')) resolve(false);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function findFreePort(taken: ReadonlySet<number>): Promise<number> {
  const end = ephemeralStart();
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(LOWEST, end);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`Expected a free port between ${LOWEST} and ${end} on 127.0.0.1, saw none in 200 tries`);
}

/** Where the system's range for outgoing connections begins; a range that leaves no room below it cannot be avoided. */
function ephemeralStart(): number {
  let start: number;
  try {
    start = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0]);
  } catch {
    start = USUAL_EPHEMERAL_START;
  }
  return start > LOWEST + 1_000 ? Math.min(start, USUAL_EPHEMERAL_START) : USUAL_EPHEMERAL_START;
}

function rememberedPort(value: unknown, name: string): number | undefined {
  const port = isRecord(value) ? value[name] : undefined;
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
