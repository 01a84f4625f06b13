/** A picture for a prompt without images: hills under a sky, their colours and shapes from the prompt's hash. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';

/** Sky from top to horizon, and the hue of the hills, in hsl. */
const PALETTES = [
  { sky: ['215,60%,38%', '205,70%,66%', '38,85%,86%'], hills: 160 },
  { sky: ['232,48%,26%', '335,50%,60%', '28,90%,72%'], hills: 255 },
  { sky: ['200,55%,30%', '185,50%,62%', '55,80%,88%'], hills: 190 },
  { sky: ['262,40%,30%', '292,38%,62%', '345,80%,86%'], hills: 230 },
  { sky: ['24,60%,42%', '34,85%,66%', '48,95%,86%'], hills: 18 },
  { sky: ['210,30%,32%', '212,28%,62%', '200,30%,88%'], hills: 205 },
] as const;
const LAYERS = 4;
const POINTS = 6;
const CAPTION_LINES = 3;
/** Parts of the picture that the camera still shows at the end of its push-in. */
const CAPTION_WIDTH = 0.64;
const CAPTION_BOTTOM = 0.83;

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Words in lines of at most `width` letters; what does not fit into the last line is cut with an ellipsis. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  // Control characters are not allowed in XML, whatever the prompt holds.
  const words = text
    .replaceAll(/\p{C}/gu, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    const longer = last === '' ? word : `${last} ${word}`;
    if (longer.length <= width || last === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const cut = lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
  return cut.length <= CAPTION_LINES ? cut : [...cut.slice(0, CAPTION_LINES - 1), `${cut[CAPTION_LINES - 1]} …`];
}

/** A hill line of smooth curves from the left edge to the right one, closed at the bottom. */
function hill(heights: number[], width: number, height: number): string {
  const step = width / (heights.length - 1);
  let path = `M0,${height} L0,${heights[0]}`;
  for (let n = 1; n < heights.length; n += 1) {
    const middle = step * (n - 0.5);
    path += ` C${middle},${heights[n - 1]} ${middle},${heights[n]} ${step * n},${heights[n]}`;
  }
  return `${path} L${width},${height} Z`;
}

/** A PNG of that size, always the same for the same prompt. */
export async function textPicture(prompt: string, width: number, height: number): Promise<Buffer> {
  const hash = createHash('sha512').update(prompt).digest();
  const random = (n: number) => (hash[n % hash.length] ?? 0) / 255;
  const { sky, hills: hue } = PALETTES[(hash[0] ?? 0) % PALETTES.length] ?? PALETTES[0];
  const sunX = width * (0.2 + 0.6 * random(1));
  const sunY = height * (0.2 + 0.2 * random(2));
  const hills = Array.from({ length: LAYERS }, (_, layer) => {
    const base = height * (0.5 + 0.13 * layer);
    const heights = Array.from(
      { length: POINTS },
      (__, n) => base - height * 0.16 * random(3 + layer * POINTS + n) * (1 - layer / (LAYERS + 1)),
    );
    const lightness = 52 - layer * 12;
    const fill = `hsl(${(hue + layer * 7) % 360},${24 + layer * 6}%,${lightness}%)`;
    return `<path d="${hill(heights, width, height)}" fill="${fill}"/>`;
  });
  const size = Math.round(Math.min(width, height) * 0.042);
  const lines = wrap(prompt, Math.floor((width * CAPTION_WIDTH) / (size * 0.56)));
  const captionTop = height * CAPTION_BOTTOM - (lines.length - 1) * size * 1.35;
  const caption = lines.map(
    (line, n) => `<text x="${width / 2}" y="${captionTop + n * size * 1.35}">${escapeXml(line)}</text>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs>
      <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stop-color="hsl(${sky[0]})"/>
        <stop offset="0.55" stop-color="hsl(${sky[1]})"/>
        <stop offset="0.75" stop-color="hsl(${sky[2]})"/>
      </linearGradient>
      <radialGradient id="glow">
        <stop offset="0" stop-color="#fffbe8" stop-opacity="0.95"/>
        <stop offset="0.25" stop-color="#fff3c8" stop-opacity="0.55"/>
        <stop offset="1" stop-color="#fff3c8" stop-opacity="0"/>
      </radialGradient>
    </defs>
    <rect width="100%" height="100%" fill="url(#sky)"/>
    <circle cx="${sunX}" cy="${sunY}" r="${height * 0.42}" fill="url(#glow)"/>
    <circle cx="${sunX}" cy="${sunY}" r="${height * 0.07}" fill="#fffdf2"/>
    ${hills.join('\n    ')}
    <g font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif" font-size="${size}" text-anchor="middle"
      fill="#ffffff" fill-opacity="0.92">${caption.join('')}</g>
  </svg>`;
  return sharp(Buffer.from(svg)).removeAlpha().png({ compressionLevel: 1 }).toBuffer();
}
