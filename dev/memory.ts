/** How much memory a process and all that it started take together (Linux; elsewhere nothing is known). */
import { readdirSync, readFileSync } from 'node:fs';

export interface MemoryMeter {
  /** The largest sum seen so far, in bytes; undefined where the system does not tell. */
  peakBytes(): number | undefined;
  stop(): void;
}

/** Measures every `everyMs` milliseconds until it is stopped. */
export function startMemoryMeter(rootPid: number, everyMs: number): MemoryMeter {
  let peak: number | undefined;
  const measure = (): void => {
    const bytes = memoryOfTree(rootPid);
    if (bytes !== undefined) peak = Math.max(peak ?? 0, bytes);
  };
  measure();
  const timer = setInterval(measure, everyMs);
  timer.unref();
  return { peakBytes: () => peak, stop: () => clearInterval(timer) };
}

/** The memory of a process and its descendants in bytes: pages that several share are counted once (PSS). */
export function memoryOfTree(rootPid: number): number | undefined {
  const children = childrenByParent();
  if (children === undefined) return undefined;
  let bytes = 0;
  const open = [rootPid];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    bytes += memoryOf(pid);
    open.push(...(children.get(pid) ?? []));
  }
  return bytes;
}

function childrenByParent(): Map<number, number[]> | undefined {
  const children = new Map<number, number[]>();
  const names = tryRead(() => readdirSync('/proc'));
  if (names === undefined) return undefined;
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const stat = tryRead(() => readFileSync(`/proc/${name}/stat`, 'utf8'));
    if (stat === undefined) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return children.size === 0 ? undefined : children;
}

/** The resident size, which counts shared pages fully, where the system hides the details of another user's process. */
function memoryOf(pid: number): number {
  const rollup = tryRead(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  const text = rollup ?? tryRead(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  const match = rollup === undefined ? /^VmRSS:\s+(\d+) kB/m.exec(text) : /^Pss:\s+(\d+) kB/m.exec(text);
  return Number(match?.[1] ?? 0) * 1024;
}

/** Processes end while they are read; that is no error here. */
function tryRead<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
