export interface PercentNotes {
  /** Takes note of how much is done, 0 to 1, and never waits or throws. */
  report(fraction: number): void;
  /** Waits until nothing is written any more. */
  settle(): Promise<void>;
}

/**
 * Writes whole percents, each once and one write at a time; of what comes while one is written, the latest is next. It
 * never goes back, and 100 is left for whoever knows that the work is done. A write that fails is given to `onError`.
 */
export function createPercentNotes(
  write: (percent: number) => Promise<void>,
  onError: (error: unknown) => void,
): PercentNotes {
  let noted = 0;
  let wanted = 0;
  let writing: Promise<void> | undefined;
  const writeAll = async (): Promise<void> => {
    while (wanted !== noted) {
      noted = wanted;
      try {
        await write(noted);
      } catch (error) {
        onError(error);
      }
    }
    writing = undefined;
  };
  return {
    report(fraction) {
      wanted = Math.max(wanted, Math.min(99, Math.floor(fraction * 100)));
      if (wanted !== noted) writing ??= writeAll();
    },
    async settle() {
      await writing;
    },
  };
}
