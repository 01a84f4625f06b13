import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ClientLeft } from './client-left.js';
import type { ApiContext } from './context.js';

export interface BodyHead {
  status: number;
  headers: OutgoingHttpHeaders;
  /** Of the body, in bytes. */
  length: number;
}

/** What is gathered before it is written to the socket. */
const AT_ONCE_BYTES = 256 * 1024;

/** A client that takes nothing for so long is gone, or ought to be. */
export const DEFAULT_STALL_MS = 60_000;

/**
 * Sends what `pieces` yields, one piece after the other as the client takes them. Until the first piece is there the answer
 * can still become an error, and what the pieces throw is thrown. Throws ClientLeft when the client leaves, or takes
 * nothing for as long as `ctx.state.stallMs`: a slow client that takes something goes on for as long as it likes.
 */
export async function streamBody(
  ctx: ApiContext,
  { status, headers, length }: BodyHead,
  pieces: AsyncGenerator<Buffer, void, undefined>,
): Promise<void> {
  const { res } = ctx;
  try {
    let piece = await pieces.next();
    if (res.destroyed) throw new ClientLeft('before its answer');
    ctx.respond = false;
    res.writeHead(status, { ...headers, 'Content-Length': length });
    // A socket that a write is making progress on counts as active, however little the client takes.
    res.setTimeout(ctx.state.stallMs, () => res.destroy());
    // Small pieces go out together; the headers and the last bytes with the others.
    res.cork();
    for (let sent = 0; piece.done !== true; piece = await pieces.next()) {
      if (res.destroyed) throw new ClientLeft('within the answer');
      sent += piece.value.length;
      if (sent === length) {
        res.end(piece.value);
        res.uncork();
      } else if (!res.write(piece.value) && res.writableLength >= AT_ONCE_BYTES) {
        res.uncork();
        await drained(res);
        res.cork();
      }
    }
    if (!res.writableEnded) res.end();
  } finally {
    await pieces.return();
  }
}

/** Resolves when the client has taken what was written, or has left. */
async function drained(res: ServerResponse): Promise<void> {
  if (res.destroyed || !res.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      res.off('drain', settle).off('close', settle);
      resolve();
    };
    res.on('drain', settle).on('close', settle);
  });
}
