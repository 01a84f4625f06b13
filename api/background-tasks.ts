/** Work that goes on after its request was answered; a stopping process waits for it. */
export interface BackgroundTasks {
  /** The task deals with its own failures. */
  run(task: () => Promise<void>): void;
  /** Resolves when nothing is running. */
  idle(): Promise<void>;
}

export function createBackgroundTasks(): BackgroundTasks {
  const running = new Set<Promise<void>>();
  return {
    run(task) {
      const promise: Promise<void> = task().finally(() => running.delete(promise));
      running.add(promise);
    },
    async idle() {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}
