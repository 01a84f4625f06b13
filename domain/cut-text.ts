/**
 * The text on one line if it fits, else as much of its beginning as fits with an ellipsis. Cut between the characters
 * that a reader sees, since half of one is no text.
 */
export function cutText(text: string, fits: (candidate: string) => boolean): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (fits(line)) return line;
  const kept = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  while (kept.length > 0 && !fits(`${kept.join('').trimEnd()}…`)) kept.pop();
  return `${kept.join('').trimEnd()}…`;
}
