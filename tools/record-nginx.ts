/** Records what nginx answers to the requests of `test/http/range-cases.ts`, for machines that have no nginx. */
import { writeFile } from 'node:fs/promises';
import { askNginx, RECORDED } from '../test/http/nginx-oracle.js';

const answers = await askNginx();
await writeFile(RECORDED, `${JSON.stringify(answers, null, 2)}\n`);
console.log(`${Object.keys(answers).length} answers recorded in ${RECORDED}`);
