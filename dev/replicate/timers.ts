/** The longest delay that setTimeout takes; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Runs `action` at `time` (milliseconds since 1970), however far away that is, and never before: a timer may fire a
 * millisecond early by the system's clock. Returns how to call it off.
 */
export function runAt(time: number, action: () => void): () => void {
  let timer: NodeJS.Timeout;
  const look = () => {
    if (Date.now() >= time) action();
    else arm();
  };
  const arm = () => {
    timer = setTimeout(look, Math.min(Math.max(0, time - Date.now()), LONGEST_MS));
  };
  arm();
  return () => clearTimeout(timer);
}
