/** What nginx answers to the table: asked where nginx is there, else as it was recorded. */
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNginx } from '../support/nginx.js';
import { ask, fileOf, type SeenAnswer } from './ask.js';
import { FILE_BYTES, RANGE_CASES } from './range-cases.js';

/** When the file was last changed. */
export const MODIFIED = new Date('2026-03-01T10:00:00Z');
export const RECORDED = fileURLToPath(new URL('./nginx-answers.json', import.meta.url));

/** By the names of the cases. */
export type NginxAnswers = Record<string, SeenAnswer>;

export async function recordedAnswers(): Promise<NginxAnswers> {
  return JSON.parse(await readFile(RECORDED, 'utf8')) as NginxAnswers;
}

/** Asks a real nginx. It serves at most as many ranges as the api does, and knows later dates as RFC 9110 does. */
export async function askNginx(): Promise<NginxAnswers> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-nginx-'));
  try {
    const file = join(folder, 'video.mp4');
    await writeFile(file, fileOf(FILE_BYTES));
    await utimes(file, MODIFIED, MODIFIED);
    const nginx = await startNginx('max_ranges 16; if_modified_since before;', folder, join(folder, 'nginx'));
    try {
      const url = `${nginx.url}/video.mp4`;
      const etag = (await fetch(url, { method: 'HEAD' })).headers.get('etag') ?? '';
      const answers: NginxAnswers = {};
      for (const one of RANGE_CASES) answers[one.name] = await ask(url, one, { etag, modified: MODIFIED });
      return answers;
    } finally {
      await nginx.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
