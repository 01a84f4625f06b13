import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { registry } from './metrics.js';

export interface MetricsServerOptions {
  host: string;
  /** 0 for a free one. */
  port: number;
  /** What is told beside the registry of this process, as Prometheus text. Rejecting leaves that part out. */
  parts: readonly (() => Promise<string>)[];
  onTrouble: (error: unknown) => void;
}

export interface MetricsServer {
  url: string;
  close(): Promise<void>;
}

/** Serves `GET /metrics` on a port of its own, away from what clients can reach. */
export async function startMetricsServer({
  host,
  port,
  parts,
  onTrouble,
}: MetricsServerOptions): Promise<MetricsServer> {
  const text = async (): Promise<string> => {
    const results = await Promise.allSettled([registry.metrics(), ...parts.map((part) => part())]);
    for (const result of results) if (result.status === 'rejected') onTrouble(result.reason);
    return results.map((result) => (result.status === 'fulfilled' ? withLineEnd(result.value) : '')).join('');
  };
  const server = createServer((req, res) => {
    if (req.method !== 'GET' || req.url?.split('?')[0] !== '/metrics') {
      res.writeHead(404, { 'content-type': 'text/plain' }).end('expected GET /metrics\n');
      return;
    }
    answer(res, text()).catch(onTrouble);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const { address, family, port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}/metrics`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(res: ServerResponse, text: Promise<string>): Promise<void> {
  const body = await text;
  res.writeHead(200, { 'content-type': registry.contentType }).end(body);
}

const withLineEnd = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
