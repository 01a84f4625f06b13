/** Child process: brings the database of `DATABASE_URL` up to date, and keeps an API key in the file of its argument. */
import { migrateToLatest } from '../storage/migrate.js';
import { ensureApiKey } from './api-key.js';

const databaseUrl = process.env['DATABASE_URL'];
const keyFile = process.argv[2];
if (databaseUrl === undefined || keyFile === undefined) {
  throw new Error('Expected DATABASE_URL, and a file name as the first argument');
}
await migrateToLatest(databaseUrl);
await ensureApiKey(databaseUrl, keyFile, 'local');
