/** The longest delay that setTimeout takes; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Runs `action` at `time` (milliseconds since 1970), however far away that is. Returns how to call it off. */
export function runAt(time: number, action: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = () => {
    const wait = time - Date.now();
    timer = setTimeout(wait > LONGEST_MS ? arm : action, Math.min(Math.max(0, wait), LONGEST_MS));
  };
  arm();
  return () => clearTimeout(timer);
}
