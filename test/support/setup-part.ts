import type { ProvidedContext } from 'vitest';

/** Something that all test files share: started once before them, stopped after them. */
export interface SetupPart<Name extends keyof ProvidedContext> {
  /** Test files get what it provides by `inject(name)`. */
  name: Name;
  start(): Promise<StartedPart<ProvidedContext[Name]>>;
}

export interface StartedPart<Provided> {
  /** Plain data: it crosses to the test processes. */
  provided: Provided;
  stop(): Promise<void>;
}
