/** Many viewers of large videos at once, half of them slow. A process of its own. */
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ClientsOrder {
  url: string;
  headers: Record<string, string>;
  clients: number;
  seconds: number;
}

export interface ClientsFigures {
  megabytes: number;
}

const SLOW_PAUSE_MS = 200;

async function download(order: ClientsOrder, agent: Agent, isSlow: boolean, until: number): Promise<number> {
  let bytes = 0;
  while (performance.now() < until) {
    const request = get(order.url, { headers: order.headers, agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`expected 200, got ${response.statusCode}`);
    for await (const piece of response) {
      bytes += (piece as Buffer).length;
      if (performance.now() >= until) break;
      if (isSlow) await sleep(SLOW_PAUSE_MS);
    }
    request.destroy();
  }
  return bytes;
}

process.on('message', (order: ClientsOrder) => {
  const until = performance.now() + order.seconds * 1000;
  const agent = new Agent({ maxSockets: order.clients });
  const all = Array.from({ length: order.clients }, (_, index) => download(order, agent, index % 2 === 0, until));
  Promise.all(all).then(
    (counts) => process.send?.({ megabytes: counts.reduce((sum, count) => sum + count, 0) / 1e6 }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
