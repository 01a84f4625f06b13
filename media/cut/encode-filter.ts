import { formatRational, type Rational } from '../ffmpeg/rational.js';
import { type CutTarget, isHdr, wideColours } from '../plan/clip-format.js';
import type { CutPlan, PlannedClip } from '../plan/cut-plan.js';
import type { EncodedPiece, PieceSource } from '../plan/plan-pieces.js';

/** Equal pixels on every machine, and colours that are not rounded to pairs of pixels. */
const SCALER = 'flags=lanczos+accurate_rnd+full_chroma_int+bitexact';
/** ffmpeg's names of a matrix in its scaler, by those in a probe. */
const SCALER_MATRIX: Record<string, string> = {
  bt709: 'bt709',
  smpte170m: 'smpte170m',
  bt470bg: 'bt470',
  smpte240m: 'smpte240m',
  fcc: 'fcc',
};

/**
 * The filter that makes frames of a clip fit the target: at its rate, as large as fits with black around them, in its
 * colours. ffmpeg has applied the rotation before. Throws RangeError for a clip that is to be copied.
 */
export function encodeFilter({ target }: CutPlan, clip: PlannedClip, part: PieceSource): string {
  const { placed, source } = clip;
  if (placed === undefined)
    throw new RangeError(`a clip to be encoded was expected, clip ${clip.number} is to be copied`);
  const { width, height, x, y } = placed;
  const rate = `fps=fps=${formatRational(target.frameRate)}`;
  const last = Math.ceil(source.lastFrameSeconds * perSecond(target.frameRate));
  const skipped = part.fromFrame - part.decodeFrom;
  const end = `trim=end_frame=${part.frames}`;
  // The rate is stated again behind a change of times, after which newer versions of ffmpeg know none; that may hold the
  // last frame once more.
  const taken = skipped === 0 ? end : `trim=start_frame=${skipped},setpts=PTS-STARTPTS,${rate},${end}`;
  return [
    ...(source.interlaced ? ['bwdif=mode=send_frame:deint=all'] : []),
    // The last frame is held only for as long as it is shown: a picture that ends too soon shall lack frames.
    `setpts=PTS-STARTPTS,${rate},tpad=stop_mode=clone:stop=${last + 1},${taken}`,
    ...toOrdinaryColours(clip),
    `scale=w=${width}:h=${height}:${matrices(clip, target)}:out_range=tv:${SCALER},format=yuv420p,setsar=1`,
    `pad=w=${target.width}:h=${target.height}:x=${x}:y=${y}:color=black`,
    ...(part.fadeIn > 0 ? [`fade=t=in:s=0:n=${part.fadeIn}`] : []),
    ...(part.fadeOut > 0 ? [`fade=t=out:s=${part.frames - part.fadeOut}:n=${part.fadeOut}`] : []),
  ].join(',');
}

/** The filter graph that shows the end of the first input and the beginning of the second one at once, as "[v]". */
export function crossfadeFilter(
  { target: { frameRate } }: CutPlan,
  { sources, overlap }: EncodedPiece,
  filters: readonly [string, string],
): string {
  const seconds = (frames: number): string => ((frames * frameRate.den) / frameRate.num).toFixed(6);
  const offset = seconds((sources[0]?.frames ?? 0) - overlap);
  const inputs = filters.map((filter, index) => `[${index}:V:0]${filter}[v${index}];`).join('');
  return `${inputs}[v0][v1]xfade=transition=fade:duration=${seconds(overlap)}:offset=${offset},format=yuv420p[v]`;
}

/** True where the filter needs ffmpeg's `zscale` and `tonemap`. */
export function needsToneMapping({ source }: PlannedClip): boolean {
  return wideColours(source.colour) !== undefined;
}

/** BT.2020 becomes BT.709, and brightness beyond an ordinary screen's is compressed rather than cut off. */
function toOrdinaryColours(clip: PlannedClip): string[] {
  const { colour } = clip.source;
  if (!needsToneMapping(clip)) return [];
  const { range = 'tv', matrix = 'bt2020nc', primaries = 'bt2020', transfer = 'bt709' } = colour;
  const from = `rin=${range}:min=${matrix}:pin=${primaries}:tin=${transfer}`;
  const linear = `zscale=${from}:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709`;
  const mapped = isHdr(colour) ? ',tonemap=tonemap=hable:desat=0' : '';
  return [`${linear}${mapped},zscale=t=bt709:m=bt709:r=tv,format=yuv420p`];
}

function matrices(clip: PlannedClip, target: CutTarget): string {
  const stated = needsToneMapping(clip) ? 'bt709' : clip.source.colour.matrix;
  const from = SCALER_MATRIX[stated ?? assumedMatrix(clip.source.height)] ?? 'auto';
  const to = target.matrix === 'unspecified' ? assumedMatrix(target.height) : target.matrix;
  return `in_color_matrix=${from}:out_color_matrix=${SCALER_MATRIX[to] ?? 'bt709'}`;
}

/** What players take a picture for that does not say: by its height, as Chromium does. */
function assumedMatrix(height: number): string {
  return height < 720 ? 'smpte170m' : 'bt709';
}

function perSecond({ num, den }: Rational): number {
  return num / den;
}
