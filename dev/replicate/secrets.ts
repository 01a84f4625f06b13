import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readJsonFile, writeJsonFile } from './json-files.js';

/** What this server signs with; made once and kept, so that a restart changes no signature. */
export interface Secrets {
  /** `whsec_` and base64 of 32 bytes, as Standard Webhooks wants it. */
  webhookKey: string;
  /** Base64 of 32 bytes; signs download links of files. */
  filesKey: string;
}

export function loadSecrets(path: string): Secrets {
  const kept = readJsonFile<Secrets>(path);
  if (kept !== undefined) return kept;
  const made: Secrets = {
    webhookKey: `whsec_${randomBytes(32).toString('base64')}`,
    filesKey: randomBytes(32).toString('base64'),
  };
  writeJsonFile(path, made);
  return made;
}

/** The provider's rule: base64 HMAC-SHA256 of `{owner} {id} {expiry}`; expiry in Unix seconds. */
export function fileSignature(filesKey: string, owner: string, id: string, expiry: number): string {
  return createHmac('sha256', Buffer.from(filesKey, 'base64')).update(`${owner} ${id} ${expiry}`).digest('base64');
}

/** Compares in constant time. */
export function sameSignature(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
