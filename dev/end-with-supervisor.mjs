/**
 * Loaded by `--import` into every Node process of the embedded stack: ends it when its supervisor is gone, even by
 * SIGKILL, which nobody can announce. The end of the IPC channel is what tells.
 *
 * Plain JavaScript: the threads of a process load it too, and those of the Temporal worker do so without tsx.
 */
import { isMainThread } from 'node:worker_threads';

/** A worker drains for longer than this, but its Temporal is gone too by now. */
const GRACE_MS = 5_000;

/** The process leads its own group: what it started itself (ffmpeg, say) goes with it. */
function endWithGroup() {
  process.kill(-process.pid, 'SIGKILL');
}

function onSupervisorGone() {
  if (process.listenerCount('SIGTERM') === 0) endWithGroup();
  process.once('exit', endWithGroup);
  setTimeout(endWithGroup, GRACE_MS).unref();
  process.kill(process.pid, 'SIGTERM');
}

if (isMainThread && process.connected) {
  process.once('disconnect', onSupervisorGone);
  // Waiting for that end must not by itself keep a process going that has nothing else to do.
  process.channel?.unref();
} else if (isMainThread) {
  // It was killed while this process was still loading.
  onSupervisorGone();
}
