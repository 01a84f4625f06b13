/** A fraction as media files state it, e.g. 30000/1001 frames per second. */
export interface Rational {
  num: number;
  den: number;
}

/** Reads "24/1". Undefined where a part is missing, zero or not a whole number: ffprobe says "0/0" for unknown. */
export function parseRational(text: string | undefined): Rational | undefined {
  const parts = /^(\d+)[/:](\d+)$/.exec(text ?? '');
  const num = Number(parts?.[1] ?? 0);
  const den = Number(parts?.[2] ?? 0);
  return num > 0 && den > 0 ? { num, den } : undefined;
}

/** Writes a fraction in lowest terms, so that equal fractions are written alike. */
export function formatRational({ num, den }: Rational): string {
  const divisor = greatestCommonDivisor(num, den);
  return `${num / divisor}/${den / divisor}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
