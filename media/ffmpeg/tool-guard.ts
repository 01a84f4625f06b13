/** Ends the tools of a process that is gone: a tool killed by nobody would run on for as long as its input lasts. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Keeps the process groups it is told to hold, one `+ <id>` or `- <id>` a line, and kills those that are left when its
 * input ends: that is what the kernel makes of the death of the process at the other end, whatever it died of.
 */
const SCRIPT = `
trap '' INT TERM HUP
held=
while read -r sign id; do
  if [ "$sign" = + ]; then held="$held $id"; continue; fi
  left=
  for one in $held; do [ "$one" = "$id" ] || left="$left $one"; done
  held=$left
done
for one in $held; do kill -KILL "-$one" 2>/dev/null; done
`;

interface Guard {
  pid: number;
  input: Writable;
}

let guard: Guard | undefined;
const held = new Set<number>();

/**
 * Has the process group `id` killed when this process dies without having released it, also by SIGKILL; returns the
 * release. Costs one small process for all groups of this process, and none where no tool is run.
 */
export function guardGroup(id: number): () => void {
  held.add(id);
  if (guard === undefined) guard = startGuard();
  else guard.input.write(`+ ${id}\n`);
  return () => {
    if (held.delete(id)) guard?.input.write(`- ${id}\n`);
  };
}

/** The guard's process id; undefined while there is none. */
export function guardPid(): number | undefined {
  return guard?.pid;
}

/** It has a session of its own: what ends this process by its group shall leave the guard to do its work. */
function startGuard(): Guard | undefined {
  const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
  let started: Guard | undefined;
  // One that is gone is replaced with the next tool, and then told of all that run.
  const forget = (what: string): void => {
    if (guard === started) guard = undefined;
    process.emitWarning(`the guard that ends tools with this process is gone: ${what}`);
  };
  child.once('error', (error) => forget(error.message));
  child.once('exit', (code, signal) => forget(`it ended with ${signal ?? code}`));
  if (child.pid === undefined) return undefined;
  child.stdin.on('error', (error) => forget(error.message));
  for (const id of held) child.stdin.write(`+ ${id}\n`);
  child.unref();
  (child.stdin as Writable & { unref?: () => void }).unref?.();
  started = { pid: child.pid, input: child.stdin };
  return started;
}
