import type { RenditionActivities } from '../domain/activity-contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { cutClips } from '../media/cut/cut-clips.js';
import { decodeAll } from '../media/probe/decode-all.js';
import { probesOf } from './clip-probes.js';
import type { ActivityDeps } from './deps.js';
import { encodedClipsOf } from './encoded-clips.js';
import { makeRendition } from './rendition-work.js';

/** Of the work, what is left for decoding the result to its end. */
const PROOF_SHARE = 0.1;

/**
 * Cuts finished videos into one, as clips are cut: those alike are copied. Harmless to repeat, and a video that was
 * encoded to fit is kept. Throws what `cutClips` throws, and CUT_WRONG for a result that does not decode.
 */
export function createMakeCombination(deps: ActivityDeps): RenditionActivities['makeCombination'] {
  return async (input) =>
    await makeRendition(deps, input, async ({ rendition, inputs, output, dir, signal, onProgress }) => {
      const sources = rendition.sources.map(({ sha256 }, index) => ({ number: index + 1, blobSha256: sha256 }));
      const files = sources.map(({ number, blobSha256 }, index) => ({
        number,
        path: inputs[index] ?? '',
        sha256: blobSha256,
      }));
      const probes = await probesOf(deps, files, { signal });
      const joined = await cutClips(deps.tools, {
        inputs,
        probes,
        output,
        workDir: dir,
        order: { transition: rendition.transition ?? 'cut' },
        encodedClips: encodedClipsOf(deps, sources, dir, signal),
        signal,
        onProgress: (fraction) => onProgress(fraction * (1 - PROOF_SHARE)),
      });
      // A finished video may change its decoder's setup midway, which no probe shows: so all of the result is decoded.
      await decodeAll(deps.tools, output, {
        durationSeconds: joined.durationSeconds,
        signal,
        onProgress: (fraction) => onProgress(1 - PROOF_SHARE + fraction * PROOF_SHARE),
        broken: (seen, cause) =>
          new ReelwrightError('CUT_WRONG', `the combined video was expected to decode to its end; seen: ${seen}`, {
            cause,
            details: { expected: 'to decode to its end', seen },
          }),
      });
      return joined;
    });
}
