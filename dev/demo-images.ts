/** Six pictures of three rooms for the demo, drawn as SVG: each room once by day and once in the evening. */
import sharp from 'sharp';

export interface DemoImage {
  fileName: string;
  /** Shown in lists. */
  name: string;
  /** The first names the room. */
  tags: string[];
  /** A JPEG of 1920 x 1080. */
  data: Buffer;
}

/** Colours of one picture, from the back to the front. */
interface Light {
  sky: [string, string];
  wall: [string, string];
  floor: [string, string];
  /** Furniture: large, small, and the one thing that catches the eye. */
  large: string;
  small: string;
  accent: string;
  /** The lamps: their colour, and how strongly they glow from 0 to 1. */
  glow: string;
  glowOpacity: number;
}

interface Picture {
  room: string;
  title: string;
  tags: string[];
  draw: (light: Light) => string;
  light: Light;
  mirrored: boolean;
}

const WIDTH = 1920;
const HEIGHT = 1080;

/** In the order of upload: two of each room. */
export async function drawDemoImages(): Promise<DemoImage[]> {
  return Promise.all(
    PICTURES.map(async ({ room, title, tags, draw, light, mirrored }, index) => ({
      fileName: `${String(index + 1).padStart(2, '0')}-${room.toLowerCase()}.jpg`,
      name: `${room}, ${title}`,
      tags,
      data: await sharp(Buffer.from(page(draw(light), light, mirrored)))
        .jpeg({ quality: 90 })
        .toBuffer(),
    })),
  );
}

function page(drawing: string, light: Light, mirrored: boolean): string {
  const gradient = (id: string, [from, to]: [string, string]): string =>
    `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
    <defs>${gradient('sky', light.sky)}${gradient('wall', light.wall)}${gradient('floor', light.floor)}
      <radialGradient id="glow"><stop offset="0" stop-color="${light.glow}" stop-opacity="${light.glowOpacity}"/><stop offset="1" stop-color="${light.glow}" stop-opacity="0"/></radialGradient>
      <radialGradient id="vignette" r="0.75"><stop offset="0.6" stop-opacity="0"/><stop offset="1" stop-opacity="0.35"/></radialGradient>
      <filter id="soft" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="14"/></filter></defs>
    <g${mirrored ? ` transform="translate(${WIDTH} 0) scale(-1 1)"` : ''}>${drawing}</g>
    <rect width="${WIDTH}" height="${HEIGHT}" fill="url(#vignette)"/></svg>`;
}

function box(x: number, y: number, width: number, height: number, fill: string, radius = 0): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${fill}"/>`;
}

function shadow(x: number, y: number, width: number, height: number): string {
  return `<ellipse cx="${x}" cy="${y}" rx="${width}" ry="${height}" fill="#000" opacity="0.3" filter="url(#soft)"/>`;
}

function lamp(x: number, y: number, radius: number): string {
  return `<circle cx="${x}" cy="${y}" r="${radius}" fill="url(#glow)"/>`;
}

function repeat(count: number, draw: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => draw(index)).join('');
}

/** A floor in perspective: boards that run towards the back wall. */
function floor(y: number): string {
  const lines = repeat(17, (i) => {
    const far = 960 + (i - 8) * 150;
    const near = 960 + (i - 8) * 330;
    return `<path d="M${far} ${y}L${near} ${HEIGHT}" stroke="#000" stroke-opacity="0.12" stroke-width="3"/>`;
  });
  return `${box(0, y, WIDTH, HEIGHT - y, 'url(#floor)')}${lines}`;
}

function windowPane(x: number, y: number, width: number, height: number): string {
  const bars = `<path d="M${x + width / 2} ${y}v${height}M${x} ${y + height / 2}h${width}" stroke="#f6f1e8" stroke-width="12"/>`;
  const hills = `<path d="M${x} ${y + height * 0.8}q${width * 0.25} ${-height * 0.25} ${width * 0.5} ${-height * 0.08}t${width * 0.5} ${-height * 0.1}V${y + height}H${x}Z" fill="#000" opacity="0.18"/>`;
  return `${box(x - 18, y - 18, width + 36, height + 36, '#f6f1e8')}${box(x, y, width, height, 'url(#sky)')}${hills}${bars}`;
}

function drawBedroom({ large, small, accent }: Light): string {
  const curtain = (x: number): string =>
    repeat(4, (i) => box(x + i * 34, 130, 34, 620, i % 2 === 0 ? small : '#ffffff33')) +
    box(x, 130, 136, 620, `${small}66`);
  const bedside = (x: number): string =>
    `${shadow(x + 80, 860, 110, 20)}${box(x, 690, 160, 170, large, 8)}${box(x + 12, 706, 136, 62, '#00000022', 6)}${box(x + 12, 780, 136, 62, '#00000022', 6)}` +
    `${box(x + 74, 600, 12, 90, '#5d4a3a')}<path d="M${x + 30} 610l20 -110h60l20 110Z" fill="${accent}"/>${lamp(x + 80, 560, 300)}`;
  return `${box(0, 0, WIDTH, 780, 'url(#wall)')}${box(0, 762, WIDTH, 18, '#ffffff55')}${floor(780)}
    ${windowPane(210, 150, 420, 470)}${curtain(90)}${curtain(650)}
    ${box(1120, 150, 460, 250, '#f6f1e8')}${box(1140, 170, 420, 210, accent)}<circle cx="1270" cy="275" r="66" fill="${small}"/><path d="M1140 380l150 -130 120 90 150 -110V380Z" fill="${large}"/>
    <ellipse cx="1330" cy="985" rx="760" ry="85" fill="${accent}" opacity="0.55"/>${shadow(1350, 940, 640, 45)}
    ${box(900, 440, 900, 380, large, 26)}${repeat(5, (i) => box(930 + i * 170, 465, 150, 250, '#ffffff18', 18))}
    ${box(880, 690, 940, 230, '#fbf7f0', 34)}${box(880, 770, 940, 180, small, 30)}${box(880, 770, 940, 40, '#ffffff44', 20)}
    ${repeat(2, (i) => box(940 + i * 430, 600, 380, 130, '#ffffff', 50) + box(1000 + i * 430, 650, 260, 90, accent, 40))}
    ${bedside(690)}`;
}

function drawKitchen({ large, small, accent }: Light): string {
  const cabinet = (x: number, y: number, width: number, height: number): string =>
    `${box(x, y, width - 10, height, large, 6)}${box(x + 16, y + 16, width - 42, height - 32, '#ffffff14', 4)}${box(x + width - 44, y + height / 2 - 34, 10, 68, '#e9d9b0', 5)}`;
  const pendant = (x: number): string =>
    `${box(x - 3, 0, 6, 240, '#3a3a3a')}<path d="M${x - 74} 320q10 -96 74 -96t74 96Z" fill="${accent}"/><ellipse cx="${x}" cy="320" rx="74" ry="14" fill="#fff4d0"/>${lamp(x, 340, 320)}`;
  const stool = (x: number): string =>
    `${shadow(x + 60, 1042, 90, 14)}${box(x, 800, 120, 34, accent, 16)}<path d="M${x + 22} 834l-16 206M${x + 98} 834l16 206M${x + 12} 950h96" stroke="#4b3626" stroke-width="12"/>`;
  const tiles = repeat(24, (i) => repeat(3, (row) => box(i * 80 + 3, 432 + row * 56, 74, 50, '#ffffff30', 4)));
  return `${box(0, 0, WIDTH, 800, 'url(#wall)')}${floor(800)}${tiles}
    ${windowPane(740, 110, 480, 300)}
    ${repeat(3, (i) => cabinet(40 + i * 215, 90, 215, 310))}${repeat(3, (i) => cabinet(1270 + i * 215, 90, 215, 310))}
    ${repeat(8, (i) => cabinet(i * 240, 640, 240, 190))}${box(0, 600, WIDTH, 44, small)}${box(0, 600, WIDTH, 10, '#ffffff55')}
    ${box(860, 470, 14, 130, '#c8ccd0', 7)}<path d="M867 480q0 -50 50 -50t50 60" fill="none" stroke="#c8ccd0" stroke-width="14"/>
    ${box(1500, 500, 130, 100, accent, 18)}<path d="M1630 530q50 0 50 30t-50 30" fill="none" stroke="${accent}" stroke-width="16"/>
    ${repeat(5, (i) => `<circle cx="${330 + (i % 3) * 52}" cy="${578 - Math.floor(i / 3) * 40}" r="27" fill="${i % 2 === 0 ? accent : '#e8b93e'}"/>`)}
    ${shadow(960, 1010, 860, 40)}${box(280, 770, 1360, 230, large, 10)}${repeat(6, (i) => box(300 + i * 222, 800, 210, 180, '#ffffff12', 6))}
    ${box(230, 720, 1460, 62, small, 10)}${box(230, 720, 1460, 14, '#ffffff66', 7)}
    <path d="M900 720q-10 -90 60 -90t60 90Z" fill="${accent}"/>${repeat(7, (i) => `<path d="M960 640q${(i - 3) * 30} -60 ${(i - 3) * 52} ${-150 + Math.abs(i - 3) * 26}" fill="none" stroke="#4f7d4a" stroke-width="12"/>`)}
    ${stool(430)}${stool(760)}${stool(1090)}${stool(1400)}${pendant(560)}${pendant(960)}${pendant(1360)}`;
}

function drawPool({ large, small, accent, glow, floor: [water] }: Light): string {
  const palm = (x: number, y: number, size: number): string =>
    `<path d="M${x} ${y}q${size * 0.12} ${-size * 0.6} 0 ${-size}" fill="none" stroke="#4a3524" stroke-width="${size * 0.06}"/>` +
    repeat(9, (i) => {
      const angle = (i / 8) * Math.PI + Math.PI;
      const tip = [x + Math.cos(angle) * size * 0.6, y - size + Math.sin(angle) * size * 0.45 + size * 0.2];
      return `<path d="M${x} ${y - size}Q${x + Math.cos(angle) * size * 0.35} ${y - size * 1.12 + Math.sin(angle) * size * 0.35} ${tip[0]} ${tip[1]}" fill="none" stroke="${large}" stroke-width="${size * 0.055}" stroke-linecap="round"/>`;
    });
  const lounger = (x: number): string =>
    `${shadow(x + 130, 968, 170, 16)}<path d="M${x} 940h190l90 -110" fill="none" stroke="#f8f3ea" stroke-width="34" stroke-linecap="round"/><path d="M${x + 20} 940v26M${x + 190} 940v26" stroke="#7b5d42" stroke-width="12"/>${box(x + 196, 838, 70, 40, accent, 16)}`;
  const ripple = (index: number): string => {
    const y = 690 + index * 26;
    const left = 330 - index * 26 + (index % 3) * 150;
    return `<path d="M${left} ${y}q60 -14 120 0t120 0M${left + 520} ${y + 10}q60 -14 120 0t120 0" fill="none" stroke="#ffffff" stroke-opacity="0.5" stroke-width="5" stroke-linecap="round"/>`;
  };
  return `${box(0, 0, WIDTH, 620, 'url(#sky)')}<circle cx="1500" cy="240" r="90" fill="${glow}"/>${lamp(1500, 240, 520)}
    <path d="M0 520q240 -150 520 -70t560 -60 840 70V640H0Z" fill="${large}" opacity="0.55"/><path d="M0 570q400 -110 860 -40t1060 -30V660H0Z" fill="${large}" opacity="0.75"/>
    ${box(120, 300, 760, 330, 'url(#wall)', 4)}${box(70, 268, 880, 44, small)}${box(120, 300, 760, 34, '#00000026')}
    ${repeat(4, (i) => box(160 + i * 178, 372, 150, 258, '#22384a') + box(168 + i * 178, 380, 134, 242, 'url(#sky)') + box(232 + i * 178, 372, 6, 258, '#22384a'))}${lamp(500, 500, 460)}
    ${box(0, 620, WIDTH, 460, small)}${repeat(12, (i) => box(0, 640 + i * 40, WIDTH, 3, '#00000018'))}
    <path d="M330 668H1590L1880 990H40Z" fill="#f4efe6"/><path d="M362 682H1558L1812 966H108Z" fill="url(#floor)"/><path d="M362 682H1558L1574 700H346Z" fill="#00000030"/>
    ${repeat(9, ripple)}<ellipse cx="1180" cy="800" rx="92" ry="30" fill="none" stroke="${accent}" stroke-width="26"/><ellipse cx="1180" cy="800" rx="46" ry="13" fill="${water}"/>
    ${palm(1040, 640, 330)}${palm(1240, 650, 420)}${palm(1790, 660, 480)}<g transform="translate(0 84)">${lounger(300)}${lounger(690)}</g>`;
}

const PICTURES: readonly Picture[] = [
  {
    room: 'Bedroom',
    title: 'in the morning',
    tags: ['Bedroom 1', 'interior', 'windows'],
    draw: drawBedroom,
    mirrored: false,
    light: {
      sky: ['#8fd0f5', '#fdf3d8'],
      wall: ['#f6e3cf', '#ecc9a8'],
      floor: ['#c99a6b', '#8c5f3a'],
      large: '#a8744f',
      small: '#e7a88c',
      accent: '#d9643f',
      glow: '#fff0c0',
      glowOpacity: 0.35,
    },
  },
  {
    room: 'Bedroom',
    title: 'at night',
    tags: ['Bedroom 2', 'interior', 'windows'],
    draw: drawBedroom,
    mirrored: true,
    light: {
      sky: ['#0c1440', '#59408c'],
      wall: ['#2b2f63', '#443a78'],
      floor: ['#3a2c4d', '#1a1430'],
      large: '#22254f',
      small: '#5a61b8',
      accent: '#d08be0',
      glow: '#ffc46b',
      glowOpacity: 0.8,
    },
  },
  {
    room: 'Kitchen',
    title: 'at noon',
    tags: ['Kitchen 1', 'interior', 'dining'],
    draw: drawKitchen,
    mirrored: false,
    light: {
      sky: ['#a5dcf7', '#e9f8e0'],
      wall: ['#eaf5dc', '#c2dfae'],
      floor: ['#c8d09c', '#83905a'],
      large: '#6a9f5e',
      small: '#f7f4ec',
      accent: '#e3a53c',
      glow: '#fff3c4',
      glowOpacity: 0.4,
    },
  },
  {
    room: 'Kitchen',
    title: 'for dinner',
    tags: ['Kitchen 2', 'interior', 'dining'],
    draw: drawKitchen,
    mirrored: true,
    light: {
      sky: ['#47264f', '#d1603f'],
      wall: ['#5c2a2c', '#8f4536'],
      floor: ['#4c2a20', '#241210'],
      large: '#3a1d24',
      small: '#c98a5a',
      accent: '#e4572e',
      glow: '#ffb347',
      glowOpacity: 0.85,
    },
  },
  {
    room: 'Pool',
    title: 'by day',
    tags: ['Pool 1', 'exterior', 'water'],
    draw: drawPool,
    mirrored: false,
    light: {
      sky: ['#2b8fe0', '#c4ecff'],
      wall: ['#ffffff', '#e4ecf2'],
      floor: ['#4fe0e0', '#0f9fc4'],
      large: '#2f7d4f',
      small: '#d9cbb0',
      accent: '#ffd23f',
      glow: '#fff8da',
      glowOpacity: 0.7,
    },
  },
  {
    room: 'Pool',
    title: 'at sunset',
    tags: ['Pool 2', 'exterior', 'water'],
    draw: drawPool,
    mirrored: true,
    light: {
      sky: ['#4b2a7b', '#ff8a5c'],
      wall: ['#f0b59a', '#b0607e'],
      floor: ['#ff9a76', '#5d3a8e'],
      large: '#3a1f4d',
      small: '#8a5568',
      accent: '#ff5a36',
      glow: '#ffd08a',
      glowOpacity: 0.95,
    },
  },
];
