/** The API key of the embedded stack: made once, kept in a private file, made anew for another database. */

import { openDatabase } from '../storage/database.js';
import { createApiKey, findKeyHolder } from '../storage/owners-repository.js';
import { readText, writePrivateText } from './supervisor/json-file.js';

/** Sees to it that the file holds a key that the database knows, of the owner of that name. */
export async function ensureApiKey(databaseUrl: string, keyFile: string, owner: string): Promise<void> {
  const database = openDatabase(databaseUrl, { applicationName: 'reelwright-dev', poolMax: 1 });
  try {
    const kept = readApiKey(keyFile);
    if (kept !== undefined && (await findKeyHolder(database.knex, kept)) !== undefined) return;
    const { key } = await createApiKey(database.knex, { owner, name: 'make dev' });
    writePrivateText(keyFile, `${key}\n`);
  } finally {
    await database.close();
  }
}

/** The key in the file, or undefined where there is none. */
export function readApiKey(keyFile: string): string | undefined {
  return readText(keyFile)?.trim() || undefined;
}
