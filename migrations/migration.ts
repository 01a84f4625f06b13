import type { Knex } from 'knex';

/** The end of the name of a step on which code of the former release cannot go on. */
const BREAKING = '-breaking';

/**
 * Whether code that does not know this step must not run on a database that has it. The name tells, since the database
 * keeps nothing else of a step. Release what makes the step unnecessary first, and the step with the release after that.
 */
export const isBreaking = (name: string): boolean => name.endsWith(BREAKING);

/**
 * One step of the database's schema. Released steps are never edited: a change is a new step at the end of the list.
 * All pending steps run in one transaction, so a step must not use what Postgres refuses inside one.
 */
export interface Migration {
  /** The file's name without its extension, so that TypeScript source and compiled JavaScript agree on it. */
  name: string;
  up(knex: Knex): Promise<void>;
}
