import type { Rational } from '../ffmpeg/rational.js';
import { formatRational } from '../ffmpeg/rational.js';

/** A part of a picture that does not move, or shows nothing. Seconds from the first frame that was looked at. */
export interface Stretch {
  kind: 'black' | 'frozen';
  from: number;
  to: number;
}

/** What counts as black and as frozen. */
export interface StretchLook {
  /** The share of a frame that is black in a black one, 0 to 1. */
  blackShare: number;
  /** How bright black may be, 0 to 1. */
  blackLevel: number;
  /** How far frames may be from the first frozen one, in the mean over all pixels, 0 to 1. */
  stillness: number;
  /** How long it takes until a picture counts as frozen. */
  frozenSeconds: number;
}

/**
 * The filter that finds such stretches, for frames that have a steady rate and come without gaps, and the reader of what
 * it prints (`onValue` of `runFfmpeg`). It passes all frames on.
 */
export function stretchFinder(frameRate: Rational, look: StretchLook) {
  const { blackShare, blackLevel, stillness, frozenSeconds } = look;
  const filter = [
    // Counted anew, since a clock does not begin at 0 after a seek.
    `setpts=N*${frameRate.den}/${frameRate.num}/TB`,
    `blackdetect=d=0:pic_th=${blackShare.toFixed(4)}:pix_th=${blackLevel}`,
    `freezedetect=n=${stillness}:d=${frozenSeconds}`,
    // Unbuffered, so that no line of it is broken by ffmpeg's own progress.
    'metadata=mode=print:file=-:direct=1',
  ].join(',');
  const found: Stretch[] = [];
  const open: Partial<Record<Stretch['kind'], number>> = {};
  const close = (kind: Stretch['kind'], to: number): void => {
    const from = open[kind];
    if (from !== undefined && to > from) found.push({ kind, from, to });
    delete open[kind];
  };
  const onValue = (key: string, value: string): void => {
    const seconds = Number(value);
    if (key === 'lavfi.black_start') open.black = seconds;
    if (key === 'lavfi.black_end') close('black', seconds);
    if (key === 'lavfi.freezedetect.freeze_start') open.frozen = seconds;
    if (key === 'lavfi.freezedetect.freeze_end') close('frozen', seconds);
  };
  /** All that was found, when the last frame ended at `endSeconds`. */
  const stretches = (endSeconds: number): Stretch[] => {
    for (const kind of ['black', 'frozen'] as const) close(kind, endSeconds);
    return found.toSorted((a, b) => a.from - b.from);
  };
  return { filter, onValue, stretches };
}

/** Brings frames of any rate to a steady one, as `stretchFinder` needs them. */
export function steadied(frameRate: Rational): string {
  return `setpts=PTS-STARTPTS,fps=fps=${formatRational(frameRate)}`;
}

/** What is left of a span when others are taken out of it. */
export function without<Span extends { from: number; to: number }>(
  span: Span,
  taken: readonly { from: number; to: number }[],
): Span[] {
  return taken.reduce<Span[]>(
    (left, { from, to }) =>
      left.flatMap((one) =>
        [
          { ...one, to: Math.min(one.to, from) },
          { ...one, from: Math.max(one.from, to) },
        ].filter((piece) => piece.to > piece.from),
      ),
    [span],
  );
}
