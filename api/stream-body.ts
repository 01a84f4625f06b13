import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { isReelwrightError } from '../domain/errors.js';
import { ClientLeft } from './client-left.js';
import type { ApiContext } from './context.js';

export interface BodyHead {
  status: number;
  headers: OutgoingHttpHeaders;
  /** Of the body, in bytes. */
  length: number;
}

/** A client that takes nothing for so long is gone, or ought to be. */
export const DEFAULT_STALL_MS = 60_000;

/**
 * Sends what `pieces` yields, one piece after the other as the client takes them; the next one is asked for when the last
 * one has left this process. Until the first piece is there the answer
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
    for (let sent = 0; piece.done !== true; piece = await pieces.next()) {
      if (res.destroyed) throw new ClientLeft('within the answer');
      sent += piece.value.length;
      // With the headers and the last bytes in one write, small answers are one packet.
      await written(res, piece.value, sent === length);
    }
    if (!res.writableEnded) res.end();
  } catch (error) {
    // A database that is away when the client has left is missed by nobody.
    if (res.destroyed && isReelwrightError(error, 'NOT_READY')) throw new ClientLeft('within the answer');
    throw error;
  } finally {
    await pieces.return();
  }
}

/** Resolves when nothing of the piece is waiting here any more, so that its memory may be used again; or the client left. */
async function written(res: ServerResponse, piece: Buffer, isLast: boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      res.off('close', settle);
      resolve();
    };
    res.on('close', settle);
    if (isLast) res.end(piece, settle);
    else res.write(piece, settle);
  });
}
