/** What all that goes on in a run of the chaos shares: its plan, its clock, its log, and the times when a part was down. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultStack } from './fault-stack.js';
import { createRandom, type Random } from './random.js';

export interface ChaosPlan {
  seed: number;
  minutes: number;
  /** Faults that are left out, to find out what another one does. */
  without: readonly string[];
  /** The least that must have been ordered, and killed, for the run to count. */
  jobs: number;
  clips: number;
  kills: number;
  /** How long a purchase with a lost answer may take to be found while no part is down, in milliseconds. */
  adoptionLimitMs: number;
}

export class ChaosRun {
  readonly faults: FaultStack;
  readonly plan: ChaosPlan;
  /** When a part was down, from and to, in milliseconds since 1970. */
  readonly outages: [number, number][] = [];
  readonly kills = new Map<string, number>();
  freezes = 0;
  cancels = 0;
  /** While it is quiet nothing is killed and no other fault is armed. */
  isQuiet = false;
  readonly #begin = performance.now();
  readonly #print: (line: string) => void;
  readonly #followed: Promise<void>[] = [];

  constructor(faults: FaultStack, plan: ChaosPlan, print: (line: string) => void) {
    this.faults = faults;
    this.plan = plan;
    this.#print = print;
  }

  random(purpose: string): Random {
    return createRandom(this.plan.seed, purpose);
  }

  say(line: string): void {
    this.#print(`${((performance.now() - this.#begin) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  }

  /** Milliseconds until that part of the run is over; `share` is from 0 to 1. */
  left(share = 1): number {
    return this.#begin + share * this.plan.minutes * 60_000 - performance.now();
  }

  /** Sleeps for a time, or until that part of the run is over. */
  async pause(ms: number, share = 1): Promise<void> {
    await sleep(Math.max(0, Math.min(ms, this.left(share))));
  }

  /** Something that goes on beside; `settled` tells how it ended. */
  follow(work: Promise<void>): void {
    this.#followed.push(work);
    // Until then its failure is nobody's.
    work.catch(() => undefined);
  }

  /** Waits for all that goes on beside; throws the first failure of it. */
  async settled(): Promise<void> {
    await Promise.all(this.#followed);
  }

  /** Tries until it works: a part of the stack is down every now and then. Throws what still fails when time is up. */
  async untilItWorks<Result>(work: () => Promise<Result>, limitMs: number): Promise<Result> {
    for (const end = performance.now() + limitMs; ; await sleep(500)) {
      try {
        return await work();
      } catch (error) {
        if (performance.now() > end) throw error;
      }
    }
  }
}
