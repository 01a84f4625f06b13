/** Names under which videos are addressed; views write them and routes read them. */

/** `clip_001.mp4`: at least three digits, so that lists sort. */
export const clipFileName = (number: number): string => `clip_${String(number).padStart(3, '0')}.mp4`;

/** The clip's number in `clip_001.mp4`, or undefined for any other spelling. */
export function clipNumber(fileName: string): number | undefined {
  const digits = /^clip_(\d{3,6})\.mp4$/.exec(fileName)?.[1];
  return digits !== undefined && clipFileName(Number(digits)) === fileName ? Number(digits) : undefined;
}
