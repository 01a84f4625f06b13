import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Starts a file of the bench as a process of its own. */
export function startChild(file: string, env: Record<string, string> = {}): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return fork(path, [], { execArgv: ['--import', 'tsx'], env: { ...process.env, ...env } });
}

/** What the process says next; throws when it ends instead. */
export async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const ended = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`expected an answer from a process of the bench, it ended with ${String(code)}`)),
  );
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer];
  return answer;
}
