/** The figures of Temporal's SDK: its core serves them itself, on a loopback port, from which ours are joined by them. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { MetricsExporterConfig } from '@temporalio/worker';

const LIMIT_MS = 2_000;

export interface SdkMetrics {
  exporter: MetricsExporterConfig;
  /** Prometheus text. */
  text(): Promise<string>;
}

/** The exporter can neither choose a port nor tell it, so a free one is looked for. */
export async function sdkMetrics(): Promise<SdkMetrics> {
  const address = `127.0.0.1:${await freePort()}`;
  return {
    exporter: {
      prometheus: { bindAddress: address, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
    },
    async text() {
      const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(LIMIT_MS) });
      if (!response.ok) throw new Error(`expected figures of the SDK, got ${response.status}`);
      return await response.text();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
