import { cutText } from '../domain/cut-text.js';

/**
 * A summary may have 400 bytes as JSON (server setting `limit.userMetadataSummarySize`, which 1.29.1 does not enforce);
 * with all models named, 240 are left for the name.
 */
const MAX_NAME_BYTES = 240;

/** The name of a job or a rendition as the summary of its workflow can carry it. */
export const summaryName = (name: string): string =>
  cutText(name, (text) => Buffer.byteLength(JSON.stringify(text)) <= MAX_NAME_BYTES);
