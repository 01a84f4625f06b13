/** How a TypeScript file of this project is run: as one process, without npm or the tsx command in between. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PartCommand } from './part.js';

export interface NodeProgram {
  /** The checkout. */
  root: string;
  /** Path of the TypeScript file below the checkout. */
  file: string;
  args?: readonly string[];
  /** Memory limits and the like, for node itself. */
  nodeFlags?: readonly string[];
  env: NodeJS.ProcessEnv;
}

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/**
 * Arguments for `process.execPath`. The `tsx` command would fork a child that survives the killing of its parent.
 * @param preloads modules that are loaded before the program, as URLs
 */
export function nodeArguments(program: NodeProgram, preloads: readonly string[] = []): string[] {
  const imports = [TSX, ...preloads].flatMap((url) => ['--import', url]);
  return [...(program.nodeFlags ?? []), ...imports, join(program.root, program.file), ...(program.args ?? [])];
}

const END_WITH_SUPERVISOR = new URL('../end-with-supervisor.mjs', import.meta.url).href;

/** A Node program as a part: it also ends when the supervisor does, however that ended. */
export function nodePart(program: NodeProgram): PartCommand {
  return ownPart(program, nodeArguments(program, [END_WITH_SUPERVISOR]));
}

/** The same with a JavaScript file, without the compiler. */
export function compiledPart(program: NodeProgram): PartCommand {
  const flags = program.nodeFlags ?? [];
  const file = join(program.root, program.file);
  return ownPart(program, [...flags, '--import', END_WITH_SUPERVISOR, file, ...(program.args ?? [])]);
}

function ownPart({ root, env }: NodeProgram, args: readonly string[]): PartCommand {
  return { file: process.execPath, args, cwd: root, env, ipc: true };
}
