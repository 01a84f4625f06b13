import { z } from 'zod';
import { timestamp } from './common.schema.js';

export const sessionJson = z.strictObject({
  id: z.uuid(),
  token: z.string().describe('For Authorization: Bearer; the session cookie holds it too. Nothing can show it again.'),
  expiresAt: timestamp,
});

export const endedSessionsJson = z.strictObject({
  ended: z.int().min(0).describe('How many sessions were open and are not any more.'),
});
