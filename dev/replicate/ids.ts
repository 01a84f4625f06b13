import { randomFillSync } from 'node:crypto';

const LOWER_BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

// Asking the system for each id on its own took a tenth of a millisecond.
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomByte(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const byte = pool.readUInt8(used);
  used += 1;
  return byte;
}

function randomText(alphabet: string, length: number): string {
  const usable = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    const byte = randomByte();
    // Bytes beyond the last whole alphabet would favour its first letters.
    if (byte < usable) text += alphabet.charAt(byte % alphabet.length);
  }
  return text;
}

/** An id of the provider's form: 26 lower-case base32 letters. */
export function newId(): string {
  return randomText(LOWER_BASE32, 26);
}

/** A part of a URL that nobody can guess: 43 letters, 256 bits. */
export function newToken(): string {
  return randomText(BASE62, 43);
}

/** The id of one webhook message, kept when the message is sent again. */
export function newWebhookId(): string {
  return `msg_${randomText(BASE62, 27)}`;
}
