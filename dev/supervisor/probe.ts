/** Questions to a server that may not be there yet. Each has its own limit and answers false rather than throw. */
import { connect } from 'node:net';

/** True when somebody accepts connections on that port of 127.0.0.1. */
export function acceptsConnections(port: number, limitMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(limitMs, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** The body of a GET that answered 200 in time, else undefined. */
export async function fetchText(
  url: string,
  headers: Record<string, string> = {},
  limitMs = 5_000,
): Promise<string | undefined> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(limitMs), redirect: 'error' });
    const text = await response.text();
    return response.status === 200 ? text : undefined;
  } catch {
    return undefined; // refused, cut or too late: it is not ready
  }
}

/** True when a GET answers 200 in time. */
export async function answersOk(url: string, headers: Record<string, string> = {}, limitMs = 5_000): Promise<boolean> {
  return (await fetchText(url, headers, limitMs)) !== undefined;
}
