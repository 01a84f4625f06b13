/** One line of progress: rewritten in place on a terminal, written now and then where there is none. */

export interface Progress {
  update(text: string): void;
  /** Ends the line with its last words. */
  done(text: string): void;
}

/** Anything that shows text, such as `process.stdout`. */
export interface ProgressOutput {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

/** @param quietMs how long to stay silent between two updates where there is no terminal, in milliseconds */
export function startProgress(label: string, output: ProgressOutput = process.stdout, quietMs = 15_000): Progress {
  const onTerminal = output.isTTY === true;
  let lastWrite = Number.NEGATIVE_INFINITY;
  let lastText = '';
  return {
    update(text) {
      if (text === lastText) return;
      const now = performance.now();
      if (!onTerminal && now - lastWrite < quietMs) return;
      lastWrite = now;
      lastText = text;
      const line = `${label}: ${text}`;
      output.write(onTerminal ? `\r\u001b[2K${line.slice(0, Math.max(20, (output.columns ?? 80) - 1))}` : `${line}\n`);
    },
    done(text) {
      output.write(onTerminal ? `\r\u001b[2K${label}: ${text}\n` : `${label}: ${text}\n`);
    },
  };
}
