import type { Knex } from 'knex';

/**
 * One step of the database's schema. Released steps are never edited: a change is a new step at the end of the list.
 * All pending steps run in one transaction, so a step must not use what Postgres refuses inside one.
 */
export interface Migration {
  /** The file's name without its extension, so that TypeScript source and compiled JavaScript agree on it. */
  name: string;
  up(knex: Knex): Promise<void>;
}
