import { MAX_PIECE_BYTES } from './read-piece.js';

/** A reader gets at least this much at a time, however many there are. */
const LEAST_BYTES = 64 * 1024;

/** What each reader may fetch ahead, so that all of them together stay within a number of bytes. */
export interface AheadShare {
  /** One reader more; call what it returns when it is done. */
  enter(): () => void;
  /** The share of each reader at the moment. */
  bytes(): number;
}

export function createAheadShare(totalBytes: number): AheadShare {
  let readers = 0;
  return {
    enter() {
      readers += 1;
      return () => {
        readers -= 1;
      };
    },
    bytes: () => Math.min(MAX_PIECE_BYTES, Math.max(LEAST_BYTES, Math.floor(totalBytes / Math.max(1, readers)))),
  };
}
