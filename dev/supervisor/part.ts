/** One supervised process: started until it is ready, started again when it dies, stopped in order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { openLog } from './log-files.js';
import type { ProcessRecord } from './process-record.js';
import { sendSignal } from './process-table.js';
import { becomesTrue, pause } from './wait.js';

/** What to run. */
export interface PartCommand {
  file: string;
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Whom to run as; ours when absent. */
  user?: { uid: number; gid: number } | undefined;
  /** Opens an IPC channel, whose end tells a Node process that its supervisor is gone. */
  ipc: boolean;
}

export interface PartSpec {
  /** Also the name of its log. */
  name: string;
  command: PartCommand;
  /** Ends what an earlier process left behind. Runs before every start, and after an end by force. */
  cleanUp?: () => Promise<void>;
  /** One question with a limit of its own, asked again and again until the answer is true. */
  isReady: (pid: number) => Promise<boolean>;
  readyLimitMs: number;
  /** The signal that this program takes as a request to end in order. */
  stopSignal: NodeJS.Signals;
  /** After this it is ended by force. */
  stopLimitMs: number;
}

export interface PartTiming {
  /** Pause between two readiness questions. */
  probeEveryMs: number;
  /** Pauses before a restart: the first, and the longest that doubling may lead to. */
  firstRestartDelayMs: number;
  longestRestartDelayMs: number;
  /** A process that was ready for this long starts again with the first pause. */
  stableAfterMs: number;
  /** How often a process may die before it was ready, at the very start, until the start counts as failed. */
  startAttempts: number;
}

export const DEFAULT_TIMING: PartTiming = {
  probeEveryMs: 25,
  firstRestartDelayMs: 100,
  longestRestartDelayMs: 10_000,
  stableAfterMs: 10_000,
  startAttempts: 3,
};

export interface PartHost {
  logFolder: string;
  record: ProcessRecord;
  timing: PartTiming;
  /** Called each time the part has become ready. */
  onReady: (name: string, pid: number) => void;
  /** Called with a line for people about what happened to the part. */
  onEvent: (name: string, message: string) => void;
}

/** A part did not become ready at the very start; its log says more. */
export class PartStartError extends Error {
  readonly part: string;

  constructor(part: string, cause: unknown) {
    super(messageOf(cause), { cause });
    this.name = 'PartStartError';
    this.part = part;
  }
}

/** Ends a start that a stop has overtaken. */
export class StoppedError extends Error {
  constructor(name: string) {
    super(`${name} was stopped before it was ready`);
    this.name = 'StoppedError';
  }
}

interface RunningProcess {
  pid: number;
  /** Settles when the process has ended, with words on how. */
  ended: Promise<string>;
}

export class Part {
  readonly spec: PartSpec;
  readonly #host: PartHost;
  readonly #stop = new AbortController();
  #running: RunningProcess | undefined;
  #starting: Promise<void> | undefined;
  #keptAlive: Promise<void> = Promise.resolve();
  #restartDelayMs: number;

  constructor(spec: PartSpec, host: PartHost) {
    this.spec = spec;
    this.#host = host;
    this.#restartDelayMs = host.timing.firstRestartDelayMs;
  }

  /** The working process, or undefined while there is none. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /**
   * Starts the process and waits until it is ready; from then on it is started again whenever it dies.
   * @throws PartStartError when it does not become ready, StoppedError when it was stopped meanwhile
   */
  async start(): Promise<void> {
    this.#starting = this.#startFirst();
    await this.#starting;
  }

  async #startFirst(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const running = await this.#startOnce();
        this.#keptAlive = this.#keepAlive(running);
        return;
      } catch (error) {
        if (error instanceof StoppedError) throw error;
        if (attempt >= this.#host.timing.startAttempts) throw new PartStartError(this.spec.name, error);
        await this.#pauseBeforeRestart();
      }
    }
  }

  /** Asks the process to end, ends it by force when its limit passes, and leaves nothing of its group behind. */
  async stop(): Promise<void> {
    this.#stop.abort(new StoppedError(this.spec.name));
    const running = this.#running;
    if (running !== undefined) {
      sendSignal(running.pid, this.spec.stopSignal);
      const ended = await becomesTrue(() => this.#running !== running, {
        limitMs: this.spec.stopLimitMs,
        everyMs: 10,
      });
      if (!ended) {
        this.#host.onEvent(this.spec.name, `did not end within ${this.spec.stopLimitMs} ms and is killed`);
        this.kill();
        await running.ended;
        await this.spec.cleanUp?.();
      }
      await running.ended;
    }
    // A start that was under way ends with the StoppedError that its own caller sees.
    await this.#starting?.catch(() => undefined);
    await this.#keptAlive;
  }

  /** Ends the process and its whole group at once, and starts nothing any more. */
  kill(): void {
    this.#stop.abort(new StoppedError(this.spec.name));
    if (this.#running !== undefined) killGroup(this.#running.pid);
  }

  async #keepAlive(first: RunningProcess): Promise<void> {
    let running: RunningProcess | undefined = first;
    let readySince = performance.now();
    for (;;) {
      if (running !== undefined) {
        const how = await running.ended;
        if (this.#stop.signal.aborted) return;
        if (performance.now() - readySince >= this.#host.timing.stableAfterMs) {
          this.#restartDelayMs = this.#host.timing.firstRestartDelayMs;
        }
        this.#host.onEvent(this.spec.name, `${how}; starting it again`);
      }
      try {
        await this.#pauseBeforeRestart();
        running = await this.#startOnce();
        readySince = performance.now();
        this.#host.onEvent(this.spec.name, `is ready again (process ${running.pid})`);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        running = undefined;
        this.#host.onEvent(this.spec.name, `did not start: ${messageOf(error)}; trying again`);
      }
    }
  }

  async #pauseBeforeRestart(): Promise<void> {
    const delayMs = this.#restartDelayMs;
    this.#restartDelayMs = Math.min(delayMs * 2, this.#host.timing.longestRestartDelayMs);
    await pause(delayMs, this.#stop.signal);
  }

  async #startOnce(): Promise<RunningProcess> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    await this.spec.cleanUp?.();
    signal.throwIfAborted();
    const running = await this.#spawn();
    const gaveUp = new AbortController();
    try {
      const ready = becomesTrue(() => this.spec.isReady(running.pid), {
        limitMs: this.spec.readyLimitMs,
        everyMs: this.#host.timing.probeEveryMs,
        signal: AbortSignal.any([signal, gaveUp.signal]),
      });
      const outcome = await Promise.race([ready, running.ended]);
      signal.throwIfAborted();
      if (typeof outcome === 'string') throw new Error(`${this.spec.name} ${outcome} before it was ready`);
      if (!outcome) throw new Error(`${this.spec.name} was not ready within ${this.spec.readyLimitMs} ms`);
    } catch (error) {
      gaveUp.abort(error);
      // A stop ends the process itself, in order.
      if (!signal.aborted) {
        killGroup(running.pid);
        await running.ended;
      }
      throw error;
    }
    this.#host.onReady(this.spec.name, running.pid);
    return running;
  }

  async #spawn(): Promise<RunningProcess> {
    const { command, name } = this.spec;
    const log = openLog(this.#host.logFolder, name);
    let child: ChildProcess;
    try {
      child = spawn(command.file, command.args, {
        cwd: command.cwd,
        env: command.env,
        // A group of its own: Ctrl-C reaches the whole foreground group at once, and parts must end in order.
        detached: true,
        stdio: command.ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
        ...command.user,
      });
    } finally {
      closeSync(log);
    }
    const spawned = new Promise<number>((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid as number));
      child.on('error', (error) =>
        reject(new Error(`${name} could not be started: ${error.message}`, { cause: error })),
      );
    });
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
      );
    });
    const pid = await spawned;
    this.#host.record.add(name, pid, this.spec.stopSignal);
    const ended = exited.then((how) => {
      if (this.#running?.pid === pid) this.#running = undefined;
      // Its own children (ffmpeg, say) have nobody left to read what they make.
      killGroup(pid);
      this.#host.record.remove(pid);
      return how;
    });
    if (this.#stop.signal.aborted) {
      killGroup(pid);
      await ended;
      throw new StoppedError(name);
    }
    this.#running = { pid, ended };
    return this.#running;
  }
}

/** Every part leads a group of its own; the group outlives its leader while anything in it runs. */
function killGroup(pid: number): void {
  sendSignal(-pid, 'SIGKILL');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
