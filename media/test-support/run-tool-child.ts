/** Runs a tool in a process of its own that can be killed; says its guard's id once the tool has ended or said something. */
import { runTool } from '../ffmpeg/run-tool.js';
import { guardPid } from '../ffmpeg/tool-guard.js';

const [path = '', ...args] = process.argv.slice(2);
const say = (what: string): unknown => process.send?.({ what, guard: guardPid() });
await runTool(path, args, { onStdout: () => say('speaks') });
say('ended');
// Stays until it is killed.
setInterval(() => undefined, 60_000);
