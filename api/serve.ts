import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Api } from './app.js';

const SWEEP_MS = 50;
/** Longer than the 60 s after which balancers drop an idle connection: else one sends into a connection just closed. */
const KEEP_ALIVE_MS = 65_000;

export interface ServeOptions {
  host: string;
  /** 0 for a free one. */
  port: number;
  /** How long one request may take to arrive in full, in milliseconds; large uploads take time. Default one hour. */
  requestTimeoutMs?: number;
}

export interface RunningServer {
  url: string;
  /** Takes no new request, lets those under way finish for at most `graceMs`, then cuts them. */
  stop(graceMs: number): Promise<void>;
}

export async function serve(
  { app, idle }: Pick<Api, 'app' | 'idle'>,
  { host, port, requestTimeoutMs = 3_600_000 }: ServeOptions,
): Promise<RunningServer> {
  const handle = app.callback();
  const server = createServer({ requestTimeout: requestTimeoutMs }, (req, res) => {
    // Koa answers every failure itself.
    handle(req, res).catch((error: unknown) => app.emit('error', error));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, host);
  await once(server, 'listening');
  const { address, family, port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`,
    async stop(graceMs) {
      const closed = once(server, 'close');
      server.close();
      // A connection that falls idle only now would otherwise be kept for its next request.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(cut);
      await idle();
    },
  };
}
