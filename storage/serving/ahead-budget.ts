import { MAX_PIECE_BYTES } from './read-piece.js';

/** A reader gets at least this much at a time, whatever others hold. */
const LEAST_BYTES = 128 * 1024;
/** Of what is left, one reader gets this part, so that something is left for the next. */
const SHARE = 4;

/**
 * What all readers together may have fetched and not yet given out. Few large queries cost less than many small ones, so a
 * reader gets much while little is held, and little while much is.
 */
export class AheadBudget {
  readonly #totalBytes: number;
  #heldBytes = 0;

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  /** How much a reader may fetch now, in bytes. */
  grant(): number {
    const share = Math.floor((this.#totalBytes - this.#heldBytes) / SHARE);
    return Math.min(MAX_PIECE_BYTES, Math.max(LEAST_BYTES, share));
  }

  /** So much is being fetched; what it returns tells that so much of it was given out, or is not wanted any more. */
  hold(bytes: number): (givenOut: number) => void {
    this.#heldBytes += bytes;
    let left = bytes;
    return (givenOut) => {
      const freed = Math.min(left, givenOut);
      left -= freed;
      this.#heldBytes -= freed;
    };
  }
}
