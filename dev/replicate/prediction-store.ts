import { join } from 'node:path';
import { readJsonFolder, writeJsonFile } from './json-files.js';
import type { PredictionRecord } from './prediction-record.js';

/** Every prediction, in memory and as one JSON file each. What `save` has returned from survives a kill. */
export class PredictionStore {
  readonly #folder: string;
  readonly #byId = new Map<string, PredictionRecord>();
  readonly #byToken = new Map<string, PredictionRecord>();
  /** In order of creation. */
  readonly #records: PredictionRecord[];

  constructor(folder: string) {
    this.#folder = folder;
    this.#records = readJsonFolder<PredictionRecord>(folder).sort((a, b) => a.sequence - b.sequence);
    for (const record of this.#records) this.#index(record);
  }

  /** Keeps a new prediction and gives it the next place in the order. */
  add(fields: Omit<PredictionRecord, 'sequence'>): PredictionRecord {
    const record = { ...fields, sequence: (this.#records.at(-1)?.sequence ?? 0) + 1 };
    this.#records.push(record);
    this.save(record);
    return record;
  }

  /** Writes the record as it is now. */
  save(record: PredictionRecord): void {
    this.#index(record);
    writeJsonFile(join(this.#folder, `${record.id}.json`), record);
  }

  find(id: string): PredictionRecord | undefined {
    return this.#byId.get(id);
  }

  /** The prediction whose output link has this unguessable part. */
  findByOutputToken(token: string): PredictionRecord | undefined {
    return this.#byToken.get(token);
  }

  /** In order of creation. */
  all(): readonly PredictionRecord[] {
    return this.#records;
  }

  #index(record: PredictionRecord): void {
    this.#byId.set(record.id, record);
    if (record.output !== null) this.#byToken.set(record.output.token, record);
  }
}
