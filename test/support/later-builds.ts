/** Later versions of the product, made by changing a copy of its sources as a developer would. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const JOB = 'workflows/video-job.ts';
const CLIP = 'workflows/generation.ts';

const MIGRATIONS = 'migrations/index.ts';

/**
 * An activity more at the beginning of both workflows: no history of today's code replays on it. And a column more in a
 * table, which today's code does not know.
 */
export async function withAnotherActivity(sources: string): Promise<void> {
  await addMigration(sources);
  for (const [file, name] of [
    [JOB, 'videoJob'],
    [CLIP, 'generation'],
  ] as const) {
    await insertAtStart(sources, file, name, 'await rows.startOwedRuns();');
  }
}

/** A line more in a job's log: every history of today's code replays on it. */
export async function withAnotherLogLine(sources: string): Promise<void> {
  await insertAtStart(sources, JOB, 'videoJob', "log.info('a later build is at work');");
}

async function addMigration(sources: string): Promise<void> {
  const step = `export const later = {
    name: '9999-a-later-release',
    up: async (knex) => void (await knex.raw('ALTER TABLE jobs ADD COLUMN of_a_later_release text')),
  } satisfies import('./migration.js').Migration;`;
  await writeFile(join(sources, 'migrations/9999-a-later-release.ts'), step);
  const path = join(sources, MIGRATIONS);
  const text = await readFile(path, 'utf8');
  const end = /\n\];\n/;
  if (!end.test(text)) throw new Error(`expected ${MIGRATIONS} to end with its list`);
  await writeFile(path, `import { later } from './9999-a-later-release.js';\n${text.replace(end, '\n  later,\n];\n')}`);
}

async function insertAtStart(sources: string, file: string, name: string, statement: string): Promise<void> {
  const path = join(sources, file);
  const text = await readFile(path, 'utf8');
  const opening = new RegExp(`export async function ${name}\\([^)]*\\)[^{]*\\{\\n`);
  if (!opening.test(text)) throw new Error(`expected ${file} to export the async function ${name}`);
  await writeFile(
    path,
    text.replace(opening, (found) => `${found}  ${statement}\n`),
  );
}
