/** A Node part for tests that kill its supervisor: it drains on SIGTERM as a worker does, and never ends by itself. */
import { writeFileSync } from 'node:fs';

const [, , folder] = process.argv;
process.on('SIGTERM', () => {
  writeFileSync(`${folder}/drained`, '');
  process.exit(0);
});
setInterval(() => undefined, 1_000);
writeFileSync(`${folder}/up`, '');
