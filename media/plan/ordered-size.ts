import type { ClipProbe } from '../probe/probe-clip.js';
import { even, type Size, shownSize } from './clip-format.js';
import { mostCommon } from './cut-target.js';

/** What an order says of the size of its video. */
export interface SizeOrder {
  /** Lines of the short side, e.g. "1080p". */
  resolution: string;
  aspectRatio: '16:9' | '9:16';
}

/**
 * The size of a video whose order names a resolution: the most common one of those clips that have as many lines, since
 * models make "768p" of several widths; else as the order says it. Even in both directions.
 */
export function orderedSize(clips: readonly ClipProbe[], { resolution, aspectRatio }: SizeOrder): Size {
  const lines = Number.parseInt(resolution, 10);
  const sizes = clips.flatMap(({ video }) => (video === undefined ? [] : [shownSize(video)]));
  const fitting = sizes.filter(({ width, height }) => Math.min(width, height) === even(lines));
  const found = fitting.length === 0 ? undefined : mostCommon(fitting, ({ width, height }) => `${width}x${height}`);
  if (found !== undefined) return found;
  const [short, long] = [even(lines), even((lines * 16) / 9)];
  return aspectRatio === '16:9' ? { width: long, height: short } : { width: short, height: long };
}
