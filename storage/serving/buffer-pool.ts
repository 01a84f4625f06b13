/** Most bytes of idle buffers that are kept. */
const IDLE_BYTES = 8 * 1024 * 1024;

/**
 * Buffers of one size that are used again: what a reader allocates for each request is garbage outside of V8's heap, and
 * lies there until V8 finds a reason to look. Who gives a buffer back must be done with it.
 */
export class BufferPool {
  readonly #size: number;
  readonly #idle: Buffer[] = [];

  /** @param size of each buffer, in bytes */
  constructor(size: number) {
    this.#size = size;
  }

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  giveBack(buffer: Buffer): void {
    if (buffer.length === this.#size && (this.#idle.length + 1) * this.#size <= IDLE_BYTES) this.#idle.push(buffer);
  }
}
