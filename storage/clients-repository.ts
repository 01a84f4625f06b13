import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { Page } from './jobs-repository.js';
import { listPage } from './list-page.js';

export interface ClientRecord {
  id: string;
  name: string;
  description: string | null;
  homepage: string | null;
  brandGuidelines: Record<string, unknown> | null;
  metadata: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
}

export type NewClient = Pick<ClientRecord, 'name' | 'description' | 'homepage' | 'brandGuidelines' | 'metadata'>;

const COLUMNS = {
  id: 'id',
  name: 'name',
  description: 'description',
  homepage: 'homepage',
  brandGuidelines: 'brand_guidelines',
  metadata: 'metadata',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
};

export async function insertClient(knex: Knex, ownerId: string, client: NewClient): Promise<ClientRecord> {
  const [row] = await knex('clients')
    .insert({
      id: uuidv7(),
      owner_id: ownerId,
      name: client.name,
      description: client.description,
      homepage: client.homepage,
      brand_guidelines: client.brandGuidelines === null ? null : JSON.stringify(client.brandGuidelines),
      metadata: JSON.stringify(client.metadata),
    })
    .returning(COLUMNS as never);
  return row as ClientRecord;
}

/** The client, or undefined when there is none or it is another owner's. */
export async function findClient(knex: Knex, ownerId: string, id: string): Promise<ClientRecord | undefined> {
  return await knex('clients').where({ id, owner_id: ownerId }).first(COLUMNS);
}

/** The owner's clients, newest first, and how many there are in all. */
export async function listClients(
  knex: Knex,
  ownerId: string,
  page: Page,
): Promise<{ rows: ClientRecord[]; total: number }> {
  return await listPage<ClientRecord>(knex('clients').where({ owner_id: ownerId }), COLUMNS, page, 'clients');
}
