/** Postgres' binary COPY format, as far as rows of bytes need it: https://www.postgresql.org/docs/current/sql-copy.html */

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Signature, flags, length of the header extension. */
const HEADER_LENGTH = SIGNATURE.length + 8;

/** What a binary COPY starts with: no flags, no extension. */
export const COPY_HEADER = Buffer.concat([SIGNATURE, Buffer.alloc(8)]);
/** What it ends with: a row of -1 fields. */
export const COPY_TRAILER = Buffer.from([0xff, 0xff]);

/** Bytes before the data in a row of (uuid, integer, bytea): field count, then each field after its length. */
const ROW_PREFIX_LENGTH = 2 + (4 + 16) + (4 + 4) + 4;

/**
 * Cuts a run of bytes into chunk rows (blob id, number, data) for binary COPY. It fills two buffers in turn, since a new
 * one per row costs a third of a put's speed: a row is overwritten after the next row was yielded, so whoever sends it
 * must be done with it by then.
 */
export class ChunkRowEncoder {
  readonly #prefix: Buffer;
  readonly #chunkSize: number;
  readonly #buffers: Buffer[] = [];
  /** Bytes of data in the row that is being filled. */
  #filled = 0;
  #rows = 0;

  /** @param blobId a UUID as text  @param chunkSize bytes of data in each row but the last */
  constructor(blobId: string, chunkSize: number) {
    this.#chunkSize = chunkSize;
    this.#prefix = Buffer.alloc(ROW_PREFIX_LENGTH);
    this.#prefix.writeInt16BE(3, 0);
    this.#prefix.writeInt32BE(16, 2);
    this.#prefix.write(blobId.replaceAll('-', ''), 6, 'hex');
    this.#prefix.writeInt32BE(4, 22);
  }

  /** Takes the bytes in (they are copied) and yields the rows that became full. */
  *push(bytes: Uint8Array): Generator<Buffer> {
    for (let offset = 0; offset < bytes.length; ) {
      const taken = bytes.subarray(offset, offset + this.#chunkSize - this.#filled);
      this.#row().set(taken, ROW_PREFIX_LENGTH + this.#filled);
      this.#filled += taken.length;
      offset += taken.length;
      if (this.#filled === this.#chunkSize) yield this.#finishRow();
    }
  }

  /** Yields the last row, where bytes are left that did not fill one. */
  *end(): Generator<Buffer> {
    if (this.#filled > 0) yield this.#finishRow();
  }

  /** The buffer of the row that is being filled. */
  #row(): Buffer {
    const turn = this.#rows % 2;
    this.#buffers[turn] ??= Buffer.allocUnsafeSlow(ROW_PREFIX_LENGTH + this.#chunkSize);
    return this.#buffers[turn];
  }

  #finishRow(): Buffer {
    const row = this.#row();
    this.#prefix.copy(row);
    row.writeInt32BE(this.#rows, 26);
    row.writeInt32BE(this.#filled, 30);
    const finished = row.subarray(0, ROW_PREFIX_LENGTH + this.#filled);
    this.#filled = 0;
    this.#rows += 1;
    return finished;
  }
}

/** The data of a row that `ChunkRowEncoder` made. */
export function dataOfRow(row: Buffer): Buffer {
  return row.subarray(ROW_PREFIX_LENGTH);
}

/** Reads the one bytea field of each row out of a binary COPY that arrives in pieces of any size. */
export class BytesDecoder {
  /** The start of a header, row or trailer whose rest has not arrived yet. */
  #rest: Buffer = Buffer.alloc(0);
  #inRows = false;
  #ended = false;
  /** Bytes of the current field still to come. */
  #left = 0;

  /** True once the end mark was read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Yields the field bytes in the piece, in order, as views on it. Throws when it is not the expected format. */
  *push(piece: Buffer): Generator<Buffer> {
    let input = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    for (;;) {
      if (this.#left > 0) {
        if (input.length === 0) break;
        const data = input.subarray(0, this.#left);
        this.#left -= data.length;
        input = input.subarray(data.length);
        yield data;
        continue;
      }
      const consumed = this.#inRows ? this.#startRow(input) : this.#readHeader(input);
      if (consumed === 0) break;
      input = input.subarray(consumed);
    }
    this.#rest = input;
  }

  /** Returns how many bytes it understood; 0 when more are needed. */
  #readHeader(input: Buffer): number {
    if (input.length < HEADER_LENGTH) return 0;
    const extension = input.readInt32BE(HEADER_LENGTH - 4);
    if (!input.subarray(0, SIGNATURE.length).equals(SIGNATURE) || extension !== 0) {
      throw new Error(`expected a binary COPY header, got ${input.subarray(0, HEADER_LENGTH).toString('hex')}`);
    }
    this.#inRows = true;
    return HEADER_LENGTH;
  }

  #startRow(input: Buffer): number {
    if (this.#ended) {
      if (input.length > 0)
        throw new Error(`expected nothing after the end of a binary COPY, got ${input.length} bytes`);
      return 0;
    }
    if (input.length < 2) return 0;
    const fields = input.readInt16BE(0);
    if (fields === -1) {
      this.#ended = true;
      return 2;
    }
    if (input.length < 6) return 0;
    const length = input.readInt32BE(2);
    if (fields !== 1 || length < 0) {
      throw new Error(`expected rows of one field that is not null, got ${fields} fields, length ${length}`);
    }
    this.#left = length;
    return 6;
  }
}
