/** The parts together: started side by side, stopped in order, nothing started any more once a stop has begun. */
import { DEFAULT_TIMING, Part, type PartSpec, type PartTiming, StoppedError } from './part.js';
import type { ProcessRecord } from './process-record.js';

export interface SupervisorOptions {
  logFolder: string;
  record: ProcessRecord;
  /** Names of parts in the order of stopping; those of one group are stopped side by side. */
  stopOrder: readonly (readonly string[])[];
  timing?: Partial<PartTiming>;
  /** Called each time a part has become ready, also after a restart. */
  onReady: (name: string, pid: number) => void;
  /** Called with a line for people. */
  onEvent: (name: string, message: string) => void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #parts = new Map<string, Part>();
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Starts a part and resolves when it is ready; it is restarted from then on.
   * @throws PartStartError when it does not become ready, StoppedError when a stop has begun
   */
  async start(spec: PartSpec): Promise<void> {
    if (this.#stopped !== undefined) throw new StoppedError(spec.name);
    if (!this.#options.stopOrder.some((group) => group.includes(spec.name))) {
      throw new Error(`Expected ${spec.name} to have a place in the order of stopping`);
    }
    if (this.#parts.has(spec.name)) throw new Error(`${spec.name} was started already`);
    const { logFolder, record, onReady, onEvent } = this.#options;
    const timing = { ...DEFAULT_TIMING, ...this.#options.timing };
    const part = new Part(spec, { logFolder, record, onReady, onEvent, timing });
    this.#parts.set(spec.name, part);
    await part.start();
  }

  /** The working processes by part; a part that is down has none. */
  pids(): Record<string, number> {
    const pids: Record<string, number> = {};
    for (const [name, part] of this.#parts) if (part.pid !== undefined) pids[name] = part.pid;
    return pids;
  }

  /** Ends all parts in order. Each call gives the same promise. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder();
    return this.#stopped;
  }

  /** Ends all parts at once. */
  kill(): void {
    for (const part of this.#parts.values()) part.kill();
  }

  async #stopInOrder(): Promise<void> {
    for (const group of this.#options.stopOrder) {
      const parts = group.map((name) => this.#parts.get(name)).filter((part) => part !== undefined);
      await Promise.all(parts.map((part) => part.stop()));
    }
  }
}
