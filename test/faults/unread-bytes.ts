/** Whether somebody has sent a request to a process that is frozen: its bytes wait in the kernel. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;
/** Where the kernel does not tell, this is taken for long enough. */
const BLIND_MS = 2_000;

/** Waits until bytes lie unread at a server on that port of this machine; throws when none do within the limit. */
export async function untilBytesWait(port: number, limitMs: number): Promise<void> {
  if (!existsSync('/proc/net/tcp')) {
    await sleep(BLIND_MS);
    return;
  }
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(LOOK_EVERY_MS)) {
    if (unreadBytes(readFileSync('/proc/net/tcp', 'utf8'), port) > 0) return;
  }
  throw new Error(`expected a request at port ${port} within ${limitMs} ms, saw none`);
}

/** Sum over the connections of a port; `table` is what `/proc/net/tcp` says (proc_net_tcp in the kernel's documentation). */
function unreadBytes(table: string, port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let bytes = 0;
  for (const line of table.split('\n').slice(1)) {
    const [, address = '', , state, queues = ''] = line.trim().split(/\s+/);
    // 0A is a listening socket, whose queue counts connections.
    if (address.endsWith(local) && state !== '0A') bytes += Number.parseInt(queues.split(':')[1] ?? '0', 16);
  }
  return bytes;
}
